#include "harness/cli/measure.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "harness/cli/compare_design.h"
#include "harness/cli/progress.h"
#include "harness/cli/replay_options.h"
#include "harness/cli/report_options.h"
#include "harness/cli/result_files.h"
#include "harness/cli/rules_option.h"
#include "harness/cli/terminal.h"
#include "harness/collect/collector_set.h"
#include "harness/collect/events.h"
#include "harness/collect/perf_event.h"
#include "harness/error.h"
#include "harness/floors/floors.h"
#include "harness/process.h"
#include "harness/scenario/budget.h"
#include "reports/analyze/report.h"
#include "reports/rules/rule_set.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;

// Of a run: set-up, report and the rounds under observers, which take longer, come to it.
constexpr std::chrono::seconds kUsualTime{20};

constexpr const char* kUsualVariant = "default";  // of a run

/// How long a run's rounds may take; 0: as long as they do.
std::chrono::nanoseconds usual_time(const MeasureOptions& options) {
  if (options.command != "run") return {};
  if (!options.budget.empty()) return parse_budget("--budget", options.budget);
  return options.default_rounds ? kUsualTime : std::chrono::nanoseconds(0);
}

/// Every variant on every target that has variants, then the other targets. Builds become arms
/// later (compare_design.h).
std::vector<ArmSpec> arms_of(const MeasureOptions& options) {
  std::vector<ArmSpec> arms;
  std::vector<ArmSpec> others;
  for (const std::string& text : options.targets) {
    const TargetSpec target = parse_target(text);
    if (target.info->takes_path) {
      others.push_back({.name = text, .variant = std::nullopt, .target = target});
      continue;
    }
    std::vector<std::string> variants = options.variants;
    if (variants.empty() && options.command == "run") variants.emplace_back(kUsualVariant);
    if (variants.empty() && options.binaries.empty()) {
      throw BadInput("no variant given: name one with --variant (vfsprof list variants)");
    }
    for (const std::string& variant : variants) {
      arms.push_back(parse_arm(variant));
      arms.back().target = target;
      if (options.targets.size() > 1) arms.back().name += " on " + text;
    }
  }
  if (arms.empty() && !options.variants.empty()) {
    throw BadInput(fmt::format(
        "target {} is not the reference file system and has no variants: leave --variant out",
        options.targets.front()));
  }
  arms.insert(arms.end(), others.begin(), others.end());
  if (options.targets.size() == 1) {
    for (ArmSpec& arm : arms) arm.target.reset();
  }
  return arms;
}

ExperimentOptions to_experiment(const MeasureOptions& options, const fs::path& out) {
  ExperimentOptions result;
  result.command = options.command;
  result.scenario = load_scenario(options.scenario);
  set_replay(result.scenario, options.replay);
  result.issue_priority = parse_issue_priority(options.replay.issue_priority);
  check_issue_priority(result.issue_priority, result.scenario);
  if (options.scale != 1) scale(result.scenario, options.scale);
  result.placement =
      options.placement.empty() ? result.scenario.placement : parse_placement(options.placement);
  if (options.lockstep) {
    if (result.scenario.recording) {
      throw BadInput("--lockstep: a recording keeps its own order; leave the option out");
    }
    result.scenario.lockstep = true;
  }
  result.arms = arms_of(options);
  result.target = parse_target(options.targets.front());
  if (!result.arms.empty() && result.arms.front().target) {
    result.target = *result.arms.front().target;
  }
  result.timing_rounds = options.timing_rounds;
  if (options.command == "compare") apply_compare_design(options, result);
  result.usual_time = usual_time(options);
  result.profiling_rounds = options.profiling_rounds;
  result.warm_up_rounds = options.warm_up_rounds;
  result.seed = options.seed.value_or(result.scenario.seed);
  measure_footprint(result.scenario, result.seed);  // refuses what cannot be done
  result.equivalence_margin = options.equivalence_margin;
  result.floors = !options.no_floor;
  result.collect = complete_collector_options(options.collect, options.counters);
  if (!result.collect.events.empty()) result.counting_rounds = options.counting_rounds;
  const bool can_trace = has_collector_for(reports::RoundKind::kTracing);
  result.tracing_rounds = options.tracing_rounds.value_or(can_trace ? options.profiling_rounds : 0);
  result.work_directory = options.work_directory.empty() ? out : fs::path(options.work_directory);
  return result;
}

/// The machine by itself, for scenario `floors`.
ExperimentOptions to_machine_experiment(const MeasureOptions& options) {
  if (options.command != "run" || !options.variants.empty() || options.no_floor) {
    throw BadInput(fmt::format(
        "scenario {} measures the machine and no variant: vfsprof run --scenario {} [--placement "
        "PLACEMENT] [--work-dir DIRECTORY]",
        kFloorsScenario, kFloorsScenario));
  }
  ExperimentOptions result;
  result.command = options.command;
  result.scenario.name = kFloorsScenario;
  result.scenario.summary = kFloorsSummary;
  if (!options.placement.empty()) result.placement = parse_placement(options.placement);
  result.work_directory =
      options.work_directory.empty() ? fs::temp_directory_path() : fs::path(options.work_directory);
  if (!fs::is_directory(result.work_directory)) {
    throw BadInput(
        fmt::format("--work-dir {}: there is no such directory; name one on the disk "
                    "to be measured",
                    result.work_directory.string()));
  }
  return result;
}

bool has_verdict(const reports::Report& report) {
  return std::ranges::none_of(report.comparisons, [](const reports::Comparison& comparison) {
    return comparison.verdict == reports::Verdict::kUndecided ||
           comparison.verdict == reports::Verdict::kVoid;
  });
}

}  // namespace

void add_unwind_option(CLI::App& command, CollectorOptions& options) {
  std::vector<std::string> names;
  names.reserve(std::size(kUnwindMethods));
  for (const auto& [name, method] : kUnwindMethods) names.emplace_back(name);
  command
      .add_option_function<std::string>(
          "--unwind",
          [&options](const std::string& chosen) {
            for (const auto& [name, method] : kUnwindMethods) {
              if (name == chosen) options.unwind = method;
            }
          },
          "How user stacks are walked: by frame pointers (fp), by unwind tables from a copy of the "
          "stack in each sample (dwarf), by both (auto)")
      ->check(CLI::IsMember(names))
      ->default_str("auto");
}

void add_collector_options(CLI::App& command, CollectorOptions& options, std::string& counters) {
  command.add_option("--frequency", options.frequency_hz, "Samples per second and thread")
      ->check(CLI::Range(1, 20000))
      ->capture_default_str();
  command
      .add_option("--event", options.event,
                  "What to sample, a libpfm4 event name; cycles falls back to cpu-clock")
      ->capture_default_str();
  add_unwind_option(command, options);
  command.add_option(
      "--counters", counters,
      "Events to count per thread, in rounds of their own: names of libpfm4 and "
      "tracepoints, separated by commas (instructions,page-faults,sched:sched_switch)");
}

CollectorOptions complete_collector_options(CollectorOptions options, const std::string& counters) {
  if (!encode_event(options.event)) {
    throw BadInput(fmt::format(
        "unknown event '{}': --event takes a libpfm4 name such as cycles, instructions, cpu-clock "
        "or page-faults",
        options.event));
  }
  if (!counters.empty()) options.events = parse_event_names(counters);
  return options;
}

void add_measure_options(CLI::App& command, MeasureOptions& options) {
  command
      .add_option("--scenario", options.scenario,
                  "A scenario's name (vfsprof list scenarios), or the path of a JSON file or of a "
                  "recording (.jsonl)")
      ->required();
  command
      .add_option("--target", options.targets,
                  "fuse, inproc (without the kernel), dir=PATH or external=PATH; compare takes "
                  "several, and says what generator, file system and FUSE cost")
      ->allow_extra_args(false)
      ->default_str("fuse");
  command.add_flag("--lockstep", options.lockstep,
                   "Clients take turns, one operation at a time, in an order that the seed draws: "
                   "counts repeat exactly, times say nothing");
  command.add_option("--placement", options.placement,
                     "packed: clients and daemon on one CPU; split: on two; free (default: the "
                     "scenario's)");
  command.add_option("--rounds", options.timing_rounds, "Timing rounds per variant")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command.add_option("--profile-rounds", options.profiling_rounds, "Profiling rounds per variant")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  command
      .add_option("--warm-up-rounds", options.warm_up_rounds,
                  "Rounds before the others that are not recorded, at most: they end once two in a "
                  "row agree")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  command
      .add_option("--scale", options.scale,
                  "Scale every count of work of the scenario by this factor (results are only "
                  "comparable under one)")
      ->check(CLI::Range(0.001, 1000.0))
      ->capture_default_str();
  command
      .add_option(
          "--trace-rounds", options.tracing_rounds,
          "Rounds with the ledgers of waits per variant (default: as many as profiling rounds)")
      ->check(CLI::Range(0, 1000));
  command
      .add_option("--counter-rounds", options.counting_rounds,
                  "Rounds that count the events of --counters, per variant")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  add_replay_options(command, options.replay);
  command.add_option("--seed", options.seed,
                     "Seed of operations and order (default: the scenario's)");
  add_collector_options(command, options.collect, options.counters);
  command.add_option("--out", options.out,
                     "Directory for results (default: vfsprof-out/COMMAND-SCENARIO)");
  command.add_option(
      "--work-dir", options.work_directory,
      "Directory on a disk for mount point and cache (default: the --out directory)");
  add_rules_option(command, options.rules);
  command.add_flag("--no-floor", options.no_floor,
                   "Leave out the null handler and the floors of the machine");
  add_report_options(command, options.report);
  command.add_flag("--json", options.json,
                   "Print the report as JSON (default: for a terminal, else as Markdown)");
  add_color_option(command, options.color);
}

ExitCode measure(const MeasureOptions& options) {
  fs::path out = options.out;
  if (out.empty()) {
    out = fs::path("vfsprof-out") /
          fmt::format("{}-{}", options.command, fs::path(options.scenario).stem().string());
  }
  const bool only_machine = options.scenario == kFloorsScenario;
  const ExperimentOptions experiment =
      only_machine ? to_machine_experiment(options) : to_experiment(options, out);
  const reports::RuleSet rules = load_rules(options.rules);
  prepare_output_directory(out);
  catch_interrupts();

  ExperimentOutcome outcome;
  {
    ProgressBar bar;
    const ProgressListener progress = [&bar](const ProgressStep& step) { bar.show(step); };
    outcome = only_machine ? run_machine_floors(experiment, progress)
                           : run_experiment(experiment, progress);
  }
  if (outcome.result.rounds.empty() && !outcome.failure.empty()) {
    throw EnvironmentError(outcome.failure);
  }
  if (outcome.interrupted_by != 0 && outcome.result.rounds.empty()) {
    throw Interrupted(outcome.interrupted_by);
  }

  const reports::Report report =
      write_report_files({.directory = out,
                          .result_name = fmt::format("{}.json", options.command),
                          .json = options.json,
                          .color = options.color,
                          .report = options.report},
                         outcome.result, rules);
  if (outcome.interrupted_by != 0) throw Interrupted(outcome.interrupted_by);
  if (!outcome.failure.empty()) throw EnvironmentError(outcome.failure);
  return options.require_verdict && !has_verdict(report) ? ExitCode::kUndecided
                                                         : ExitCode::kSuccess;
}

}  // namespace vfsprof::harness
