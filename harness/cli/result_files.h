#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "reports/analyze/report.h"
#include "reports/rules/rule_set.h"

namespace vfsprof::harness {

/// Creates the directory for results. Errors: BadInput if that is impossible.
void prepare_output_directory(const std::filesystem::path& directory);

/// Writes a file whole or not at all: a temporary name, then rename.
/// Errors: EnvironmentError, with the reason (disk full, no permission).
void write_file(const std::filesystem::path& path, std::string_view text);

/// Errors: BadInput if the file cannot be read.
std::string read_file(const std::filesystem::path& path);

struct ReportOutput {
  std::filesystem::path directory;
  std::string result_name;  ///< "run.json", "compare.json"
  bool json = false;        ///< print the report as JSON
  std::string color;        ///< as terminal_options() takes it
  reports::ReportOptions report;
};

/// Writes result, report.json, report.md and the flame graphs that it links; prints the report on
/// standard output: JSON if asked for, the terminal view on a terminal, else report.md as it is.
reports::Report write_report_files(const ReportOutput& output, const reports::RunResult& result,
                                   const reports::RuleSet& rules);

}  // namespace vfsprof::harness
