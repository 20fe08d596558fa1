#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "harness/cli/command.h"
#include "harness/cli/result_files.h"
#include "harness/cli/rules_option.h"
#include "reports/lint/linter.h"
#include "reports/model/json.h"
#include "reports/rules/check_rules.h"
#include "reports/rules/rule_set.h"

namespace vfsprof::harness {
namespace {

bool is_json(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && text[first] == '{';
}

/// What the text is decides how it is checked.
std::vector<reports::LintFinding> lint(const std::string& text, const std::string& file) {
  if (text.empty()) throw BadInput(fmt::format("cannot check {}: it is empty", file));
  if (text.find('\0') != std::string::npos) {
    throw BadInput(fmt::format(
        "cannot check {}: it is no text; give a report in Markdown, report.json or a saved result",
        file));
  }
  if (!is_json(text)) return reports::lint_markdown(text);
  if (text.find("\"report_schema_version\"") != std::string::npos) {
    return reports::lint_report_json(text, file);
  }
  if (text.find("\"rounds\"") == std::string::npos) return reports::lint_report_json(text, file);
  return reports::lint_result(reports::run_result_from_json(text, file), reports::default_rules());
}

std::string as_json(const std::string& file, const std::vector<reports::LintFinding>& findings) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const reports::LintFinding& finding : findings) {
    list.push_back({{"line", finding.line}, {"rule", finding.rule}, {"message", finding.message}});
  }
  const nlohmann::ordered_json document{{"file", file}, {"findings", list}};
  return document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

/// A rule stands at a place in a file of JSON, not in a line.
void lint_rules(const std::string& file, bool json, ExitCode& exit_code) {
  const std::vector<reports::RuleFinding> findings = reports::check_rules(load_rules(file), file);
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const reports::RuleFinding& finding : findings) {
    list.push_back(
        {{"pointer", finding.pointer}, {"rule", finding.check}, {"message", finding.message}});
    if (json) continue;
    fmt::print("{}: at {}: {}: {}\n", file, finding.pointer, finding.check, finding.message);
  }
  if (json) {
    const nlohmann::ordered_json document{{"file", file}, {"findings", list}};
    fmt::print("{}\n",
               document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  }
  if (!findings.empty()) exit_code = ExitCode::kCheckFailed;
}

}  // namespace

void setup_lint(CLI::App& app, ExitCode& exit_code) {
  struct Options {
    std::string file;
    std::string rules;
    bool json = false;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* const command = app.add_subcommand(
      "lint", "Check a performance report, by whoever wrote it: do its figures agree?");
  command->footer("Rules: vfsprof list lint-rules. Exit code 1 if anything is found.");
  command->add_option("FILE", options->file,
                      "A report in Markdown, report.json, or a saved result (run.json, ...)");
  command->add_option(
      "--rules", options->rules,
      "Check a file of rules instead: does each decide its example, can it be "
      "reached, is every category filled, is each opportunity's example evidence for it?");
  command->add_flag("--json", options->json, "Print the findings as JSON");
  command->callback([options, &exit_code] {
    if (options->file.empty() == options->rules.empty()) {
      throw BadInput("lint checks one thing: give the FILE of a report, or --rules FILE");
    }
    if (!options->rules.empty()) return lint_rules(options->rules, options->json, exit_code);
    const std::vector<reports::LintFinding> findings =
        lint(read_file(options->file), options->file);
    if (options->json) {
      fmt::print("{}\n", as_json(options->file, findings));
    } else {
      for (const reports::LintFinding& finding : findings) {
        fmt::print("{}:{}: {}: {}\n", options->file, finding.line, finding.rule, finding.message);
      }
    }
    if (!findings.empty()) exit_code = ExitCode::kCheckFailed;
  });
}

}  // namespace vfsprof::harness
