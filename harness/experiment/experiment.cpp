#include "harness/experiment/experiment.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "harness/collect/environment.h"
#include "harness/error.h"
#include "harness/experiment/plan.h"
#include "harness/process.h"
#include "harness/run/runner.h"

namespace vfsprof::harness {
namespace {

constexpr std::uint64_t kWarmMemoryBytes = std::uint64_t{2} << 30;

reports::Arm describe_arm(const ArmSpec& arm) {
  reports::Arm result{.name = arm.name, .canonical = "", .axes = {}};
  if (!arm.variant) return result;
  result.canonical = vfs::canonical(*arm.variant);
  for (vfs::Setting& setting : vfs::settings(*arm.variant)) {
    result.axes.push_back({std::string(setting.name), std::move(setting.value)});
  }
  return result;
}

reports::RunResult describe_experiment(const ExperimentOptions& options) {
  reports::RunResult result;
  result.command = options.command;
  result.started = fmt::format(
      "{:%Y-%m-%dT%H:%M:%SZ}",
      fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
  result.environment = read_environment();
  result.environment.libfuse = VFSPROF_LIBFUSE_VERSION;
  result.scenario = {.name = options.scenario.name,
                     .summary = options.scenario.summary,
                     .racy = options.scenario.racy,
                     .document = options.scenario.document};
  result.target = to_string(options.target);
  result.placement = to_string(options.placement);
  result.seed = options.seed;
  result.equivalence_margin = options.equivalence_margin;
  for (const ArmSpec& arm : options.arms) result.arms.push_back(describe_arm(arm));
  return result;
}

/// Keeps one entry per collector: the worst state that any round saw.
void merge_capabilities(std::vector<reports::Capability>& all,
                        const std::vector<reports::Capability>& seen) {
  for (const reports::Capability& capability : seen) {
    const auto known = std::ranges::find(all, capability.name, &reports::Capability::name);
    if (known == all.end()) {
      all.push_back(capability);
    } else if (capability.state > known->state) {
      *known = capability;
    }
  }
}

class Experiment {
 public:
  Experiment(const ExperimentOptions& options, const ProgressListener& progress)
      : options_(options), progress_(progress) {
    outcome_.result = describe_experiment(options);
  }

  ExperimentOutcome run() {
    try {
      run_rounds();
    } catch (const Interrupted& interrupted) {
      outcome_.interrupted_by = interrupted.signal_number();
    } catch (const EnvironmentError& error) {
      outcome_.failure = error.what();
    }
    outcome_.result.partial = outcome_.interrupted_by != 0 || !outcome_.failure.empty();
    return std::move(outcome_);
  }

 private:
  void run_rounds() {
    const std::vector<PlannedRound> plan = make_plan({.arms = options_.arms.size(),
                                                      .timing_rounds = options_.timing_rounds,
                                                      .profiling_rounds = options_.profiling_rounds,
                                                      .seed = options_.seed});
    const std::size_t total = plan.size() + 1;
    progress_({0, total, "warming up"});
    note_placement();
    const HarnessPlacement placement(options_.placement);
    warm_up_memory(kWarmMemoryBytes);
    if (!accept(run_round(request_for({.arm = 0})).round)) return;

    for (std::size_t i = 0; i < plan.size(); ++i) {
      const std::string what =
          fmt::format("{} {}", options_.arms[plan[i].arm].name,
                      plan[i].kind == reports::RoundKind::kTiming ? "timing" : "profiling");
      progress_({i + 1, total, what});
      RoundOutcome outcome = run_round(request_for(plan[i]));
      outcome.round.arm = plan[i].arm;
      outcome.round.block = plan[i].block;
      merge_capabilities(outcome_.result.capabilities, outcome.capabilities);
      const bool good = accept(outcome.round);
      outcome_.result.rounds.push_back(std::move(outcome.round));
      if (!good) return;
    }
    progress_({total, total, "done"});
  }

  RoundRequest request_for(const PlannedRound& planned) const {
    const ArmSpec& arm = options_.arms[planned.arm];
    return {.scenario = options_.scenario,
            .target = options_.target,
            .variant = arm.variant ? vfs::canonical(*arm.variant) : "",
            .placement = options_.placement,
            .seed = options_.seed,
            .kind = planned.kind,
            .collect = options_.collect,
            .work_directory = options_.work_directory};
  }

  bool accept(const reports::Round& round) {
    if (round.void_reason.empty()) return true;
    outcome_.failure = fmt::format("a round is void: {}", round.void_reason);
    return false;
  }

  void note_placement() {
    if (can_place(options_.placement)) return;
    outcome_.result.warnings.push_back(fmt::format(
        "placement {} needs at least two CPUs; this process may use one, so everything shares it",
        to_string(options_.placement)));
  }

  const ExperimentOptions& options_;
  const ProgressListener& progress_;
  ExperimentOutcome outcome_;
};

}  // namespace

ArmSpec parse_arm(const std::string& text) {
  try {
    return {.name = text, .variant = vfs::parse_variant(text)};
  } catch (const vfs::VariantError& error) {
    throw BadInput(error.what());
  }
}

ExperimentOutcome run_experiment(const ExperimentOptions& options,
                                 const ProgressListener& progress) {
  return Experiment(options, progress).run();
}

}  // namespace vfsprof::harness
