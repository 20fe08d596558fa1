#include "harness/experiment/experiment.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "harness/collect/capabilities.h"
#include "harness/collect/environment.h"
#include "harness/error.h"
#include "harness/experiment/first_difference.h"
#include "harness/experiment/looks.h"
#include "harness/experiment/plan.h"
#include "harness/experiment/preparation.h"
#include "harness/experiment/steady_state.h"
#include "harness/floors/floors.h"
#include "harness/floors/null_handler.h"
#include "harness/process.h"
#include "harness/run/runner.h"
#include "reports/model/arm_settings.h"

namespace vfsprof::harness {
namespace {

constexpr std::uint64_t kWarmMemoryBytes = std::uint64_t{2} << 30;
constexpr unsigned kLeastRounds = 2;  // for an interval on how much rounds differ

reports::Arm describe_arm(const ArmSpec& arm) {
  reports::Arm result{.name = arm.name, .canonical = "", .axes = {}};
  if (arm.target) result.target = to_string(*arm.target);
  if (!arm.variant) return result;
  result.canonical = vfs::canonical(*arm.variant);
  for (vfs::Setting& setting : vfs::settings(*arm.variant)) {
    result.axes.push_back({std::string(setting.name), std::move(setting.value)});
  }
  if (!arm.binary.empty()) {
    result.axes.push_back({std::string(reports::kBinarySetting), arm.binary.string()});
  }
  if (arm.control) result.axes.push_back({std::string(reports::kControlSetting), "on"});
  return result;
}

std::string target_names(const ExperimentOptions& options) {
  if (options.target.info == nullptr) return "none";
  std::vector<std::string> names;
  for (const ArmSpec& arm : options.arms) {
    std::string name = to_string(arm.target.value_or(options.target));
    if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
  }
  return names.empty() ? to_string(options.target) : fmt::format("{}", fmt::join(names, ", "));
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
  result.target = target_names(options);
  result.placement = to_string(options.placement);
  result.seed = options.seed;
  result.equivalence_margin = options.equivalence_margin;
  result.lockstep = options.scenario.lockstep;
  for (const ArmSpec& arm : options.arms) result.arms.push_back(describe_arm(arm));
  return result;
}

bool is_same_target(const ArmSpec& one, const ArmSpec& other) {
  const auto name = [](const ArmSpec& arm) { return arm.target ? to_string(*arm.target) : ""; };
  return name(one) == name(other);
}

/// The arms that stand beside the others: null handlers on the same transport.
std::vector<ArmSpec> add_null_handlers(const ExperimentOptions& options, reports::Floors& floors) {
  if (!options.floors) {
    floors.absent = "it was left out (--no-floor)";
    return {};
  }
  if (!options.arms.front().variant) {
    floors.absent = fmt::format(
        "target {} is served by somebody else, and vfsprof has no null handler on its transport",
        to_string(options.target));
    return {};
  }
  floors.absent.clear();
  std::vector<ArmSpec> arms;
  for (const ArmSpec& arm : options.arms) {
    if (!arm.variant) break;  // those come last
    const NullHandlers handlers = null_handlers(std::span(&*arm.variant, 1));
    if (!handlers.absent.empty()) {
      floors = {};
      floors.absent = handlers.absent;
      return {};
    }
    const auto is_same = [&](const ArmSpec& known) {
      return known.variant == handlers.variants.front() && is_same_target(known, arm);
    };
    const auto found = std::ranges::find_if(arms, is_same);
    floors.arm_of.push_back(static_cast<std::uint32_t>(found - arms.begin()));
    if (found != arms.end()) continue;
    arms.push_back({.name = std::string(kNullVariant),
                    .variant = handlers.variants.front(),
                    .target = arm.target});
    floors.arms.push_back(describe_arm(arms.back()));
  }
  return arms;
}

class Experiment {
 public:
  Experiment(const ExperimentOptions& options, const ProgressListener& progress)
      : options_(options), progress_(progress) {
    outcome_.result = describe_experiment(options);
    floor_arms_ = add_null_handlers(options, outcome_.result.floors);
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
    progress_({0, 1, "warming up", left()});
    note_placement();
    const HarnessPlacement placement(options_.placement);
    warm_up_memory(kWarmMemoryBytes);
    measure_machine();
    if (!warm_up()) return;
    const std::vector<PlannedRound> plan = plan_rounds();

    const std::size_t total = plan.size() + 1;
    for (std::size_t i = 0; i < plan.size(); ++i) {
      if (ends_before(plan, i)) break;
      const std::string what =
          fmt::format("{} {}", arm_of(plan[i]).name, reports::to_string(plan[i].kind));
      progress_({i + 1, total, what, left()});
      if (is_floor(plan[i])) {
        run_floor_round(plan[i]);
        continue;
      }
      RoundOutcome outcome = run_round(request_for(plan[i]));
      outcome.round.arm = plan[i].arm;
      outcome.round.block = plan[i].block;
      merge_capabilities(outcome_.result.capabilities, outcome.capabilities);
      const bool good = accept(outcome.round);
      if (good && !options_.scenario.racy) finder_.add(outcome, outcome_.result.differences);
      outcome_.result.rounds.push_back(std::move(outcome.round));
      if (!good) return;
    }
    progress_({total, total, "done"});
  }

  /// The rounds in their order, as many blocks as the budget allows where there is one.
  std::vector<PlannedRound> plan_rounds() {
    PlanOptions plan{.arms = options_.arms.size(),
                     .floor_arms = floor_arms_.size(),
                     .timing_rounds = options_.timing_rounds,
                     .profiling_rounds = options_.profiling_rounds,
                     .tracing_rounds = options_.tracing_rounds,
                     .counting_rounds = options_.counting_rounds,
                     .seed = options_.seed};
    if (has_budget()) {
      const unsigned others = plan.profiling_rounds + plan.tracing_rounds + plan.counting_rounds;
      look_after_ = plan_looks({.time = *left() - round_time_ * plan.arms * others,
                                .block = round_time_ * (plan.arms + plan.floor_arms),
                                .least_blocks = options_.looks.least_blocks,
                                .looks = options_.looks.looks});
      plan.timing_rounds = look_after_.back();
    }
    if (options_.usual_time.count() > 0) limit_rounds(plan);
    std::vector<PlannedRound> rounds = make_plan(plan);
    // What observers see of a control interests nobody, unless the verdict rests on it.
    std::erase_if(rounds, [this](const PlannedRound& planned) {
      return !is_floor(planned) && arm_of(planned).control && !options_.observe_control &&
             (planned.kind == reports::RoundKind::kProfiling ||
              planned.kind == reports::RoundKind::kTracing);
    });
    return rounds;
  }

  /// Takes rounds out where they would go beyond the usual time.
  void limit_rounds(PlanOptions& plan) {
    unsigned* const kinds[] = {&plan.timing_rounds, &plan.profiling_rounds, &plan.tracing_rounds,
                               &plan.counting_rounds};
    const auto each = static_cast<unsigned>(
        std::ranges::count_if(kinds, [](unsigned* rounds) { return *rounds > 0; }));
    const unsigned fit = plan_looks({.time = options_.usual_time - (Clock::now() - started_),
                                     .block = round_time_ * (plan.arms * each + plan.floor_arms),
                                     .least_blocks = kLeastRounds})
                             .back();
    const unsigned most = std::max(
        {plan.timing_rounds, plan.profiling_rounds, plan.tracing_rounds, plan.counting_rounds});
    if (fit >= most) return;
    for (unsigned* const rounds : kinds) *rounds = std::min(*rounds, fit);
    outcome_.result.warnings.push_back(
        fmt::format("{} of {} rounds of each kind, as one takes {:.1f} s here; a longer --budget "
                    "allows more",
                    fit, most, std::chrono::duration<double>(round_time_).count()));
  }

  bool has_budget() const { return options_.looks.budget.count() > 0; }

  std::optional<std::chrono::nanoseconds> left() const {
    if (!has_budget()) return std::nullopt;
    return std::max<std::chrono::nanoseconds>(options_.looks.budget - (Clock::now() - started_),
                                              std::chrono::nanoseconds(0));
  }

  /// Whether nothing from round `next` on is run: the verdict is there, or the budget is used up.
  bool ends_before(const std::vector<PlannedRound>& plan, std::size_t next) {
    if (!has_budget() || next == 0) return false;
    const bool block_ends =
        plan[next].block != plan[next - 1].block || plan[next].kind != plan[next - 1].kind;
    if (!block_ends) return false;
    if (left()->count() == 0) {
      return end_early(plan, next, "the budget was used up");
    }
    const PlannedRound& last = plan[next - 1];
    const bool looks = last.kind == reports::RoundKind::kTiming &&
                       last.block + 1 < look_after_.back() &&
                       std::ranges::find(look_after_, last.block + 1) != look_after_.end();
    if (looks && options_.looks.decides && options_.looks.decides(outcome_.result)) {
      return end_early(plan, next, "every verdict was there");
    }
    return false;
  }

  bool end_early(const std::vector<PlannedRound>& plan, std::size_t next, std::string_view why) {
    outcome_.result.warnings.push_back(
        fmt::format("rounds ended after {} of {}, {} of {} planned blocks: {}", next, plan.size(),
                    plan[next - 1].block + 1, look_after_.back(), why));
    return true;
  }

  /// Runs the first arm until its figures no longer change, or patience ends.
  bool warm_up() {
    reports::WarmUp& warm_up = outcome_.result.warm_up;
    warm_up.criterion = warm_up_criterion(options_.warm_up_rounds);
    while (warm_up.stable_from == 0 && warm_up.rounds.size() < options_.warm_up_rounds) {
      if (warm_up.rounds.size() >= kLeastRounds && is_long_for_warm_up()) break;
      const auto started = Clock::now();
      const reports::Round round = run_round(request_for({.arm = 0})).round;
      round_time_ = Clock::now() - started;
      if (!accept(round)) return false;
      add_warm_up(round, warm_up);
    }
    if (warm_up.stable_from == 0 && warm_up.rounds.size() > 1) {
      outcome_.result.warnings.push_back(
          fmt::format("no steady state: {} rounds of warm-up did not agree ({}), so differences "
                      "between rounds may be drift or load from elsewhere",
                      warm_up.rounds.size(), warm_up.criterion));
    }
    return true;
  }

  /// Whether warming up has taken a third of the usual time.
  bool is_long_for_warm_up() const {
    return options_.usual_time.count() > 0 && 3 * (Clock::now() - started_) > options_.usual_time;
  }

  RoundOutcome repeat(std::uint32_t arm, const WatchedOperations& watch) const {
    RoundRequest request = request_for({.arm = arm});
    request.watch = watch;
    return run_round(request);
  }

  void measure_machine() {
    if (!options_.floors) return;
    outcome_.result.floors.machine = measure_floors(
        {.placement = options_.placement, .directory = options_.work_directory, .quick = true},
        [](std::string_view) {});
  }

  bool is_floor(const PlannedRound& planned) const { return planned.arm >= options_.arms.size(); }

  const ArmSpec& arm_of(const PlannedRound& planned) const {
    return is_floor(planned) ? floor_arms_[planned.arm - options_.arms.size()]
                             : options_.arms[planned.arm];
  }

  /// A floor that fails is no reason to lose the result: it says why, and is not tried again.
  void run_floor_round(const PlannedRound& planned) {
    reports::Floors& floors = outcome_.result.floors;
    const auto arm = static_cast<std::uint32_t>(planned.arm - options_.arms.size());
    if (std::ranges::any_of(floors.rounds, [arm](const reports::Round& round) {
          return round.arm == arm && !round.void_reason.empty();
        })) {
      return;
    }
    reports::Round round;
    try {
      round = run_round(request_for(planned)).round;
    } catch (const EnvironmentError& error) {
      round.void_reason = error.what();
    }
    round.arm = arm;
    round.block = planned.block;
    floors.rounds.push_back(std::move(round));
  }

  RoundRequest request_for(const PlannedRound& planned) const {
    const ArmSpec& arm = arm_of(planned);
    return {.scenario = options_.scenario,
            .target = arm.target ? *arm.target : options_.target,
            .variant = arm.variant ? vfs::canonical(*arm.variant) : "",
            .binary = arm.binary,
            .placement = options_.placement,
            .seed = options_.seed,
            .kind = planned.kind,
            .hash_tree = !is_floor(planned),
            .keeps_contents = !arm.variant || arm.variant->has_strategies(),
            .issue_priority = options_.issue_priority,
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

  using Clock = std::chrono::steady_clock;

  const ExperimentOptions& options_;
  const ProgressListener& progress_;
  ExperimentOutcome outcome_;
  std::vector<ArmSpec> floor_arms_;
  const Clock::time_point started_ = Clock::now();
  std::chrono::nanoseconds round_time_{0};  ///< of the last round of warm-up
  std::vector<std::uint32_t> look_after_;   ///< blocks; empty without a budget
  DifferenceFinder finder_{
      [this](std::uint32_t arm, const WatchedOperations& watch) { return repeat(arm, watch); }};
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
  ExperimentOptions prepared = options;
  const std::vector<std::string> said = prepare(prepared);
  ExperimentOutcome outcome = Experiment(prepared, progress).run();
  outcome.result.warnings.insert(outcome.result.warnings.begin(), said.begin(), said.end());
  return outcome;
}

ExperimentOutcome run_machine_floors(const ExperimentOptions& options,
                                     const ProgressListener& progress) {
  ExperimentOutcome outcome;
  outcome.result = describe_experiment(options);
  outcome.result.floors.absent = "the scenario has no clients";
  std::size_t done = 0;
  const HarnessPlacement placement(options.placement);
  try {
    outcome.result.floors.machine = measure_floors(
        {.placement = options.placement, .directory = options.work_directory},
        [&](std::string_view title) { progress({done++, all_floors().size(), title}); });
    progress({done, done, "done"});
  } catch (const Interrupted& interrupted) {
    outcome.interrupted_by = interrupted.signal_number();
    outcome.result.partial = true;
  }
  return outcome;
}

}  // namespace vfsprof::harness
