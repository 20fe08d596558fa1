#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>

#include "harness/cli/command.h"
#include "harness/cli/report_options.h"
#include "harness/cli/result_files.h"
#include "harness/cli/rules_option.h"
#include "harness/cli/terminal.h"
#include "reports/analyze/report.h"
#include "reports/model/json.h"
#include "reports/rules/rule_set.h"
#include "reports/write/registry.h"

namespace vfsprof::harness {

namespace {

struct ReportCommand {
  std::string file;
  std::string format;
  std::string out;
  std::string arm;
  std::string rules;
  std::string color;
  std::size_t width = 0;
  reports::ReportOptions report;
};

void print_report(const ReportCommand& options) {
  const reports::RunResult result =
      reports::run_result_from_json(read_file(options.file), options.file);
  const reports::RuleSet rules = load_rules(options.rules);
  const reports::Report report = reports::build_report(result, rules, options.report);
  const bool is_for_terminal = options.out.empty() && is_terminal_output();
  const std::string format = !options.format.empty() ? options.format
                             : is_for_terminal       ? "text"
                                                     : "md";
  reports::RenderOptions render_options = terminal_options(options.color);
  render_options.arm = options.arm;
  if (options.width > 0) render_options.width = options.width;
  if (!options.out.empty()) render_options.color = options.color == "always";
  const std::string text = reports::render({result, rules, report, render_options}, format);
  if (options.out.empty()) {
    fmt::print("{}", text);
    return;
  }
  write_file(options.out, text);
  fmt::print(stderr, "vfsprof: wrote {}\n", options.out);
}

}  // namespace

void setup_report(CLI::App& app, ExitCode&) {
  const auto options = std::make_shared<ReportCommand>();
  CLI::App* const command = app.add_subcommand(
      "report", "Render a saved result (run.json, compare.json, import.json) again, in any format");
  command
      ->add_option("FILE", options->file, "A result of this or an earlier version: run.json, ...")
      ->required();
  command->add_option("--format", options->format,
                      "vfsprof list formats (default: text on a terminal, else md)");
  command->add_option("--out", options->out, "Write it to this file (default: standard output)");
  command->add_option("--arm", options->arm,
                      "For formats of stacks: only this arm, by name or as #2; for a difference "
                      "the arm to compare with the first");
  command
      ->add_option("--width", options->width,
                   "Columns of the text format (default: the terminal's)")
      ->check(CLI::Range(40, 1000));
  add_rules_option(*command, options->rules);
  add_report_options(*command, options->report);
  add_color_option(*command, options->color);
  command->callback([options] { print_report(*options); });
}

}  // namespace vfsprof::harness
