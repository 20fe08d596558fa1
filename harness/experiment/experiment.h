#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/collect/collector.h"
#include "harness/scenario/issue_priority.h"
#include "harness/scenario/scenario.h"
#include "harness/target/target.h"
#include "reports/model/run_result.h"
#include "vfs/variant.h"

namespace vfsprof::harness {

/// One of the things compared, as the user wrote it and as it was understood.
struct ArmSpec {
  std::string name;
  std::optional<vfs::Variant> variant;  ///< none on a target that is not ours
  std::filesystem::path binary = {};    ///< folder of its vfsprof-mount; empty: beside vfsprof
  bool control = false;                 ///< the first arm once more
  /// Set where arms run on several targets; else all run on that of the experiment.
  std::optional<TargetSpec> target = std::nullopt;
};

/// Parses a variant text. Throws BadInput with what is allowed.
ArmSpec parse_arm(const std::string& text);

/// When an experiment may end before its last planned round (experiment/looks.h).
struct Looks {
  std::chrono::nanoseconds budget{0};  ///< for all rounds; 0: as many rounds as were asked for
  std::size_t least_blocks = 0;        ///< with fewer there is no verdict at all
  std::size_t looks = 3;               ///< at most, the last at the planned end
  /// Whether the rounds so far decide; asked after the blocks of each look but the last.
  std::function<bool(const reports::RunResult&)> decides = {};
};

/// A scenario, run under one arm or several in turn.
struct ExperimentOptions {
  std::string command;  ///< "run" or "compare", for the result
  Scenario scenario;
  TargetSpec target;  ///< of all arms that name none
  Placement placement = Placement::kPacked;
  std::vector<ArmSpec> arms;      ///< those without a variant last
  unsigned timing_rounds = 0;     ///< per arm
  unsigned profiling_rounds = 0;  ///< per arm
  unsigned tracing_rounds = 0;    ///< per arm
  unsigned counting_rounds = 0;   ///< per arm; of the events in `collect`
  std::uint64_t seed = 1;
  double equivalence_margin = 0.05;
  /// Where all rounds would take longer there are fewer, but two of each kind; 0: all of them.
  std::chrono::nanoseconds usual_time{0};
  unsigned warm_up_rounds = 4;  ///< at most; fewer where the figures no longer change
  IssuePriority issue_priority = IssuePriority::kNormal;  ///< of clients that keep a pace
  bool floors = true;  ///< measure null handler and machine beside the arms
  CollectorOptions collect;
  std::filesystem::path work_directory;
  Looks looks = {};
  bool observe_control = false;  ///< control arms have profiling and tracing rounds too
};

/// Told before each step: how many of how many are done, and what comes now.
struct ProgressStep {
  std::size_t done = 0;
  std::size_t total = 0;
  std::string_view what;
  /// Of the budget; nothing where there is none, and only the steps say how long it may take.
  std::optional<std::chrono::nanoseconds> left = {};
};
using ProgressListener = std::function<void(const ProgressStep&)>;

/// How an experiment ended.
struct ExperimentOutcome {
  reports::RunResult result;
  int interrupted_by =
      0;  ///< the signal that ended it early, or 0; the rounds so far are in the result
  std::string failure;  ///< why it ended early otherwise, or empty
};

/// Runs all rounds in the order of make_plan, after an unrecorded one of the first arm that warms
/// caches and memory up. An interrupt, a failed target and a void round end it early; what was
/// measured until then is in the outcome.
ExperimentOutcome run_experiment(const ExperimentOptions& options,
                                 const ProgressListener& progress);

/// Measures only the machine (scenario `floors`): no arms, no rounds. The disk is that of the work
/// directory.
ExperimentOutcome run_machine_floors(const ExperimentOptions& options,
                                     const ProgressListener& progress);

}  // namespace vfsprof::harness
