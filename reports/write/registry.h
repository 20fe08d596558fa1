#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reports/analyze/report.h"

namespace vfsprof::reports {

/// A file that lies beside the report, to be linked from it.
struct LinkedFile {
  std::string title;  ///< plain text
  std::string file;
};

struct RenderOptions {
  /// The arm that is wanted, by name or as "#2" by its place; for a difference the one to compare
  /// with the first. Empty: all of them, or the first comparison.
  std::string arm = {};
  std::size_t width = 100;  ///< columns of the terminal
  bool color = false;       ///< ANSI colours
  std::vector<LinkedFile> links = {};
};

/// What a writer is given: the report, and the result and rules that it was made of.
struct Rendering {
  const RunResult& result;
  const RuleSet& rules;
  const Report& report;
  RenderOptions options = {};
};

/// An output format of `vfsprof report --format`.
struct Format {
  std::string_view name;
  std::string_view summary;
  /// Errors: FormatError where the result does not hold what the format shows.
  std::string (*write)(const Rendering& rendering);
  bool needs_samples = false;  ///< reads the result's samples, not the report alone
};

/// THE list of formats (registry.cpp).
std::span<const Format> all_formats();

/// The report in one of them. Errors: FormatError naming the formats there are, or what is missing.
std::string render(const Rendering& rendering, std::string_view format);

/// The same for the formats that need the report alone. Errors: FormatError for one of the others.
std::string render(const Report& report, std::string_view format);

/// The file names of the flame graphs of a result: one for each arm with samples, and one for each
/// comparison of them that is not void.
struct FlameGraphFile {
  std::string title;
  std::string file;  ///< "flamegraph-mutex-pool.svg", "flamegraph-diff.svg"
  std::string_view format;
  std::string arm = {};
};
std::vector<FlameGraphFile> flame_graph_files(const Report& report);

}  // namespace vfsprof::reports
