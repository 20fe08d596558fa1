#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "harness/error.h"
#include "harness/experiment/experiment.h"

namespace vfsprof::harness {

/// What `run` and `compare` have in common on the command line.
struct MeasureOptions {
  std::string command;  ///< "run" or "compare"
  std::string scenario;
  std::vector<std::string> variants;
  std::string target = "fuse";
  std::string placement;       ///< empty: the scenario's
  std::string out;             ///< empty: vfsprof-out/COMMAND-SCENARIO
  std::string work_directory;  ///< empty: the directory for results
  unsigned timing_rounds = 0;
  unsigned profiling_rounds = 0;
  double scale = 1;            ///< of every count of work
  std::optional<std::uint64_t> seed;  ///< empty: the scenario's
  double equivalence_margin = 0.05;
  CollectorOptions collect;
  bool no_floor = false;
  bool json = false;
  bool require_verdict = false;
};

/// Declares the options that both commands share.
void add_measure_options(CLI::App& command, MeasureOptions& options);

/// Runs the experiment, writes its files, prints the report on standard output, and says how it
/// ended. Errors: BadInput, EnvironmentError, Interrupted; what was measured until then is written
/// first.
ExitCode measure(const MeasureOptions& options);

}  // namespace vfsprof::harness
