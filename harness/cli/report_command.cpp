#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>

#include "harness/cli/command.h"
#include "harness/cli/report_options.h"
#include "harness/cli/result_files.h"
#include "reports/analyze/report.h"
#include "reports/model/json.h"
#include "reports/rules/rule_set.h"
#include "reports/write/registry.h"

namespace vfsprof::harness {

void setup_report(CLI::App& app, ExitCode&) {
  struct Options {
    std::string file;
    std::string format = "md";
    reports::ReportOptions report;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* const command =
      app.add_subcommand("report", "Render a saved result (run.json, compare.json) again");
  command->add_option("FILE", options->file, "run.json or compare.json of an earlier run")
      ->required();
  command->add_option("--format", options->format, "md or json (vfsprof list formats)")
      ->capture_default_str();
  add_report_options(*command, options->report);
  command->callback([options] {
    const reports::RunResult result =
        reports::run_result_from_json(read_file(options->file), options->file);
    const reports::Report report =
        reports::build_report(result, reports::default_rules(), options->report);
    fmt::print("{}", reports::render(report, options->format));
  });
}

}  // namespace vfsprof::harness
