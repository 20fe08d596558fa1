#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "harness/cli/command.h"
#include "harness/cli/import_workload.h"
#include "harness/cli/report_options.h"
#include "harness/cli/result_files.h"
#include "harness/cli/rules_option.h"
#include "harness/cli/terminal.h"
#include "harness/collect/environment.h"
#include "harness/collect/proc.h"
#include "reports/analyze/report.h"
#include "reports/import/import_result.h"
#include "reports/import/perf_script.h"
#include "reports/rules/rule_set.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

struct ImportCommand {
  std::vector<std::string> files;
  std::string event;
  std::string rules;
  std::string out;
  bool json = false;
  std::string color;
  reports::ReportOptions report;
  ImportWorkloadOptions workload;
};

/// A recording may be larger than memory: it is read in pieces of one size.
reports::Recording read_recording(const std::string& path) {
  const bool is_standard_input = path == "-";
  const std::string origin = is_standard_input ? "standard input" : path;
  std::ifstream file;
  if (!is_standard_input) {
    if (fs::is_directory(path)) throw BadInput(fmt::format("cannot read {}: it is a folder", path));
    file.open(path, std::ios::binary);
    if (!file) {
      throw BadInput(
          fmt::format("cannot read {}: {}", path,
                      fs::exists(path) ? "it is no readable file" : "it does not exist"));
    }
  }
  std::istream& in = is_standard_input ? std::cin : file;
  reports::PerfScriptReader reader(origin);
  std::vector<char> piece(kPieceBytes);
  while (in) {
    in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    reader.feed({piece.data(), static_cast<std::size_t>(in.gcount())});
  }
  if (in.bad()) throw EnvironmentError(fmt::format("cannot read {} to its end", origin));
  reports::Recording recording = reader.finish();
  recording.name = is_standard_input ? origin : fs::path(path).filename().string();
  return recording;
}

/// The recording's machine, and the build of this program, which made the report.
void complete_environment(reports::Environment& environment) {
  const reports::Environment here = read_environment();
  environment.tool_version = here.tool_version;
  environment.build_type = here.build_type;
  environment.compiler = here.compiler;
}

void import_recordings(const ImportCommand& options) {
  if (import_workload(options.files, options.workload, options.out)) return;
  const reports::RuleSet rules = load_rules(options.rules);
  fs::path out = options.out;
  if (out.empty()) {
    const std::string stem = fs::path(options.files.front()).stem().string();
    out = fs::path("vfsprof-out") / fmt::format("import-{}", stem);
  }
  reports::RunResult result;
  {
    std::vector<reports::Recording> recordings;
    for (const std::string& path : options.files) recordings.push_back(read_recording(path));
    result = reports::make_import_result(
        recordings, {.event = options.event, .full_name = full_thread_name, .role = thread_role});
  }
  complete_environment(result.environment);
  prepare_output_directory(out);
  write_report_files({.directory = out,
                      .result_name = "import.json",
                      .json = options.json,
                      .color = options.color,
                      .report = options.report},
                     result, rules);
}

}  // namespace

void setup_import(CLI::App& app, ExitCode&) {
  const auto options = std::make_shared<ImportCommand>();
  CLI::App* const command = app.add_subcommand(
      "import",
      "Report on recordings of perf (the text that `perf script` printed), or make a workload out "
      "of a log of strace or fio");
  command
      ->add_option("FILE", options->files,
                   "Text of perf script, or - for standard input: with several, the first is "
                   "\"before\", each other is compared with it. Or logs of strace or fio")
      ->required();
  command->add_option("--event", options->event,
                      "Count samples of this event (default: the main one of each recording)");
  add_rules_option(*command, options->rules);
  command->add_option("--out", options->out,
                      "Directory for results (default: vfsprof-out/import-FILE); of a workload "
                      "the file (default: vfsprof-out/FILE.jsonl)");
  add_import_workload_options(*command, options->workload);
  add_report_options(*command, options->report);
  command->add_flag("--json", options->json,
                    "Print the report as JSON (default: for a terminal, else as Markdown)");
  add_color_option(*command, options->color);
  command->callback([options] { import_recordings(*options); });
}

}  // namespace vfsprof::harness
