#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "harness/error.h"
#include "harness/experiment/experiment.h"
#include "harness/scenario/recording.h"
#include "reports/analyze/report.h"

namespace vfsprof::harness {

/// What `run` and `compare` have in common on the command line.
struct MeasureOptions {
  std::string command;  ///< "run" or "compare"
  std::string scenario;
  std::vector<std::string> variants;
  ReplayOptions replay;
  std::vector<std::string> targets{"fuse"};
  bool lockstep = false;
  std::string placement;       ///< empty: the scenario's
  std::string out;             ///< empty: vfsprof-out/COMMAND-SCENARIO
  std::string rules;           ///< file of rules over the default ones; empty: none
  std::string work_directory;  ///< empty: the directory for results
  unsigned timing_rounds = 0;
  unsigned profiling_rounds = 0;
  double scale = 1;                        ///< of every count of work
  std::optional<unsigned> tracing_rounds;  ///< empty: as many as profiling rounds
  unsigned warm_up_rounds = 4;             ///< at most
  unsigned counting_rounds = 0;            ///< if there are events to count
  std::string counters;                    ///< names of events, separated by commas
  std::optional<std::uint64_t> seed;       ///< empty: the scenario's
  double equivalence_margin = 0.05;
  CollectorOptions collect;
  bool no_floor = false;
  reports::ReportOptions report;
  bool json = false;
  std::string color;  ///< auto, always or never
  bool require_verdict = false;
  std::vector<std::string> binaries;  ///< folders of builds, of `compare`
  std::string budget;                 ///< "2m"; empty: as many rounds as were asked for
  bool control = false;               ///< an arm that is the first one once more
  /// No count of rounds was asked for: `compare` may have more of them, as many as a verdict needs,
  /// `run` fewer, as many as usually end in time.
  bool default_rounds = false;
};

/// Declares --unwind, for every command that samples. `options` must outlive the parsing.
void add_unwind_option(CLI::App& command, CollectorOptions& options);

/// Declares the options that both commands share.
void add_measure_options(CLI::App& command, MeasureOptions& options);

/// Declares the options of collectors, which every command that measures has. `counters`: names of
/// events, separated by commas.
void add_collector_options(CLI::App& command, CollectorOptions& options, std::string& counters);
/// The options, complete. Throws BadInput if one of them names what does not exist.
CollectorOptions complete_collector_options(CollectorOptions options, const std::string& counters);

/// Runs the experiment, writes its files, prints the report on standard output, and says how it
/// ended. Errors: BadInput, EnvironmentError, Interrupted; what was measured until then is written
/// first.
ExitCode measure(const MeasureOptions& options);

}  // namespace vfsprof::harness
