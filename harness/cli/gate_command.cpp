#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

#include "harness/cli/command.h"
#include "harness/cli/compare_design.h"
#include "harness/cli/progress.h"
#include "harness/cli/result_files.h"
#include "harness/cli/rules_option.h"
#include "harness/collect/collector_set.h"
#include "harness/process.h"
#include "harness/scenario/budget.h"
#include "reports/gate/evaluate.h"
#include "reports/gate/explain_regression.h"
#include "reports/gate/write_gate.h"
#include "reports/model/json.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;

// Of each arm, once something regressed.
constexpr unsigned kExplainingRounds = 6;                   // profiling
constexpr std::chrono::milliseconds kExplainingTime{1500};  // of a profiling round, about
constexpr unsigned kTracedRounds = 4;                       // tracing, and counting page faults
constexpr double kProbe = 0.05;           // of the scenario's work, to see how slow a candidate is
constexpr unsigned kCountingRounds = 12;  // where the policy judges events

struct GateOptions {
  std::string policy;
  std::vector<std::string> baselines;
  std::vector<std::string> candidates;
  std::string baseline_binary;
  std::string candidate_binary;
  std::vector<std::string> scenarios;
  std::string variant = "default";
  std::string out = "vfsprof-out/gate";
  std::string work_directory;
  std::string rules;
  bool no_explanation = false;
  bool json = false;
};

void check_options(const GateOptions& options) {
  const bool stored = !options.baselines.empty() || !options.candidates.empty();
  const bool builds = !options.baseline_binary.empty() || !options.candidate_binary.empty();
  if (stored == builds || options.baselines.size() != options.candidates.size() ||
      options.baseline_binary.empty() != options.candidate_binary.empty()) {
    throw BadInput(
        "gate needs a baseline and a candidate: --baseline FILE --candidate FILE (once for each "
        "scenario), or --baseline-binary DIR --candidate-binary DIR");
  }
}

/// Scenarios beyond the policy's are judged too, and share its confidence.
reports::Policy load_policy(const GateOptions& options) {
  reports::Policy policy = reports::policy_from_json(read_file(options.policy), options.policy);
  for (const std::string& name : options.scenarios) {
    if (std::ranges::none_of(policy.scenarios, [&](const auto& s) { return s.name == name; })) {
      policy.scenarios.push_back({.name = name});
    }
  }
  return policy;
}

/// A scenario that is named by its file gets the name that results bear.
void use_own_names(reports::Policy& policy) {
  for (reports::PolicyScenario& scenario : policy.scenarios) {
    scenario.file = scenario.name;
    scenario.name = load_scenario(scenario.file).name;
    for (reports::PolicyMetric& metric : policy.metrics) {
      if (metric.scenario == scenario.file) metric.scenario = scenario.name;
    }
  }
}

bool judges(const std::vector<reports::PolicyMetric>& metrics, bool events) {
  return std::ranges::any_of(metrics, [events](const reports::PolicyMetric& metric) {
    return events ? metric.metric.starts_with("event:") : !metric.category.empty();
  });
}

std::string events_of(const std::vector<reports::PolicyMetric>& metrics) {
  std::string names;
  for (const reports::PolicyMetric& metric : metrics) {
    if (!metric.metric.starts_with("event:")) continue;
    names += (names.empty() ? "" : ",") + metric.metric.substr(6);
  }
  return names;
}

/// Two builds in turns, and the first once more, in one scenario.
class Gate {
 public:
  Gate(const GateOptions& options, const reports::Policy& policy, const reports::RuleSet& rules)
      : options_(options), policy_(policy), rules_(rules) {}

  reports::GateScenario run(const reports::PolicyScenario& wanted,
                            std::chrono::nanoseconds budget) {
    const auto start = std::chrono::steady_clock::now();
    const reports::PolicyScenario scenario = fitted(wanted, budget);
    budget -= std::chrono::steady_clock::now() - start;
    ExperimentOptions experiment = options_for(scenario);
    experiment.looks = {.budget = budget,
                        .least_blocks = least_blocks(),
                        .looks = policy_.looks,
                        .decides = [this](const reports::RunResult& result) {
                          return reports::is_decided(policy_, result, rules_);
                        }};
    reports::RunResult result = measure(experiment, scenario.name);
    reports::GateScenario judged = reports::judge_interleaved(policy_, result, rules_);
    judged.notes.insert(judged.notes.end(), result.warnings.begin(), result.warnings.end());
    if (scenario.scale != wanted.scale) {
      judged.notes.push_back(
          fmt::format("the candidate is too slow for the budget: all arms did {:.3g} of the "
                      "scenario's work instead of {:.3g}",
                      scenario.scale, wanted.scale));
    }
    if (judged.outcome == reports::GateOutcome::kRegressed && !options_.no_explanation) {
      explain(experiment, scenario, result, judged);
    }
    return judged;
  }

 private:
  /// Where the first verdicts are possible: those of exact metrics.
  std::size_t least_blocks() const {
    return reports::blocks_needed(
        reports::Tier::kExact,
        reports::each_confidence(reports::family_of(policy_, policy_.looks)));
  }

  /// A candidate may be so slow that the budget holds too few of its rounds for any verdict. One
  /// short round says so; then all arms do less of the scenario.
  reports::PolicyScenario fitted(reports::PolicyScenario scenario,
                                 std::chrono::nanoseconds budget) const {
    reports::PolicyScenario part = scenario;
    part.scale *= kProbe;
    ExperimentOptions probe = options_for(part);
    probe.arms = {probe.arms[1]};
    probe.timing_rounds = 1;
    probe.profiling_rounds = probe.counting_rounds = probe.warm_up_rounds = 0;
    const ExperimentOutcome outcome = run_experiment(probe, [](const ProgressStep&) {});
    if (outcome.interrupted_by != 0) throw Interrupted(outcome.interrupted_by);
    if (outcome.result.rounds.empty()) return scenario;  // the real rounds will say why
    const double round_s =
        static_cast<double>(outcome.result.rounds.front().elapsed_ns) / 1e9 / kProbe;
    const double most_s =
        std::chrono::duration<double>(budget).count() / (2.0 * static_cast<double>(least_blocks()));
    if (round_s > most_s) scenario.scale *= most_s / round_s;
    return scenario;
  }

  ExperimentOptions options_for(const reports::PolicyScenario& wanted) const {
    const std::vector<reports::PolicyMetric> metrics = reports::metrics_of(policy_, wanted.name);
    ExperimentOptions experiment;
    experiment.command = "compare";
    experiment.scenario = load_scenario(wanted.file);
    if (wanted.scale != 1) scale(experiment.scenario, wanted.scale);
    experiment.target = parse_target("fuse");
    experiment.placement = parse_placement(policy_.placement);
    for (const auto& [name, folder] : {std::pair{"baseline", options_.baseline_binary},
                                       std::pair{"candidate", options_.candidate_binary}}) {
      ArmSpec& arm = experiment.arms.emplace_back(parse_arm(options_.variant));
      arm.name = fmt::format("{} {}", name, folder);
      arm.binary = daemon_folder(folder);
    }
    experiment.arms.push_back(control_of(experiment.arms.front()));
    experiment.seed = experiment.scenario.seed;
    measure_footprint(experiment.scenario, experiment.seed);
    if (judges(metrics, true)) experiment.counting_rounds = kCountingRounds;
    if (judges(metrics, false)) experiment.profiling_rounds = kCountingRounds;
    experiment.collect = complete_collector_options({}, events_of(metrics));
    experiment.observe_control = true;
    experiment.floors = false;
    experiment.work_directory =
        options_.work_directory.empty() ? options_.out : options_.work_directory;
    return experiment;
  }

  /// What was measured until it ended is written, however it ended.
  reports::RunResult measure(const ExperimentOptions& experiment, const std::string& name) const {
    ProgressBar bar;
    ExperimentOutcome outcome =
        run_experiment(experiment, [&bar](const ProgressStep& step) { bar.show(step); });
    write_file(file_of(name), reports::to_json(outcome.result));
    if (outcome.interrupted_by != 0) throw Interrupted(outcome.interrupted_by);
    if (!outcome.failure.empty()) {
      throw EnvironmentError(fmt::format("{}: {}; what was measured is in {}", name,
                                         outcome.failure, file_of(name).string()));
    }
    return std::move(outcome.result);
  }

  fs::path file_of(const std::string& scenario) const {
    return fs::path(options_.out) / (fs::path(scenario).stem().string() + ".json");
  }

  /// Observes both builds and the control, so that the verdict can say which thread and category it
  /// comes from: samples, and what can be counted by thread.
  void explain(ExperimentOptions experiment, const reports::PolicyScenario& wanted,
               reports::RunResult& result, reports::GateScenario& judged) const {
    experiment.looks = {};
    const bool has_samples = experiment.profiling_rounds > 0;
    experiment.profiling_rounds = 0;
    experiment.tracing_rounds = has_collector_for(reports::RoundKind::kTracing) ? kTracedRounds : 0;
    if (experiment.counting_rounds == 0) {
      experiment.counting_rounds = kTracedRounds;
      experiment.collect = complete_collector_options({}, "page-faults");
    } else {
      experiment.counting_rounds = 0;  // the policy's own are there
    }
    add_rounds(experiment, wanted.name, result);
    if (!has_samples) {
      experiment.tracing_rounds = experiment.counting_rounds = 0;
      experiment.profiling_rounds = kExplainingRounds;
      const double scaled = explaining_scale(wanted, result);
      experiment.scenario = load_scenario(wanted.file);
      if (scaled != 1) scale(experiment.scenario, scaled);
      add_rounds(experiment, wanted.name, result);
    }
    judged.attribution = reports::explain_regression(result, judged, rules_);
  }

  /// Samples want time: as much of the scenario as the slowest round does in kExplainingTime, from
  /// the policy's part of it to the whole.
  static double explaining_scale(const reports::PolicyScenario& wanted,
                                 const reports::RunResult& result) {
    std::chrono::nanoseconds slowest{1};
    for (const reports::Round& round : result.rounds) {
      slowest = std::max(slowest, std::chrono::nanoseconds(round.elapsed_ns));
    }
    const double factor = std::chrono::duration<double>(kExplainingTime) / slowest;
    return std::clamp(wanted.scale * factor, wanted.scale, std::max(1.0, wanted.scale));
  }

  void add_rounds(const ExperimentOptions& experiment, const std::string& name,
                  reports::RunResult& result) const {
    reports::RunResult more = measure(experiment, name);
    for (reports::Round& round : more.rounds) result.rounds.push_back(std::move(round));
    write_file(file_of(name), reports::to_json(result));
  }

  const GateOptions& options_;
  const reports::Policy& policy_;
  const reports::RuleSet& rules_;
};

std::vector<reports::GateScenario> judge_builds(const GateOptions& options,
                                                const reports::Policy& policy,
                                                const reports::RuleSet& rules) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  std::vector<reports::GateScenario> judged;
  for (const reports::PolicyScenario& scenario : policy.scenarios) {
    if (!options.scenarios.empty() &&
        std::ranges::find(options.scenarios, scenario.file) == options.scenarios.end()) {
      continue;
    }
    // What earlier scenarios left over goes to the later ones.
    const auto rest = policy.budget - (Clock::now() - start);
    const auto share = rest / static_cast<std::int64_t>(policy.scenarios.size() - judged.size());
    const auto budget = std::max<std::chrono::nanoseconds>(share, std::chrono::seconds(1));
    judged.push_back(Gate(options, policy, rules).run(scenario, budget));
  }
  return judged;
}

std::vector<reports::GateScenario> judge_stored_files(const GateOptions& options,
                                                      const reports::Policy& policy,
                                                      const reports::RuleSet& rules) {
  std::vector<reports::GateScenario> judged;
  for (std::size_t i = 0; i < options.baselines.size(); ++i) {
    const std::string &before = options.baselines[i], &after = options.candidates[i];
    judged.push_back(
        reports::judge_files(policy, reports::run_result_from_json(read_file(before), before),
                             reports::run_result_from_json(read_file(after), after), rules));
  }
  return judged;
}

/// GitHub's own variables say that it listens.
void tell_github(const reports::GateReport& report, const std::string& markdown) {
  const char* const actions = std::getenv("GITHUB_ACTIONS");
  if (actions == nullptr || std::string_view(actions) != "true") return;
  fmt::print(stderr, "{}", reports::gate_annotations(report));
  if (const char* const summary = std::getenv("GITHUB_STEP_SUMMARY")) {
    std::ofstream file(summary, std::ios::app);
    file << markdown;
    if (!file.flush()) {
      throw EnvironmentError(fmt::format("cannot append the job summary to {}", summary));
    }
  }
}

ExitCode exit_code_of(const reports::GateReport& report) {
  if (report.refused) return ExitCode::kBadInput;
  switch (report.outcome) {
    case reports::GateOutcome::kPassed:
      return ExitCode::kSuccess;
    case reports::GateOutcome::kRegressed:
      return ExitCode::kCheckFailed;
    case reports::GateOutcome::kUndecided:
      break;
  }
  return ExitCode::kUndecided;
}

ExitCode run_gate(const GateOptions& options) {
  check_options(options);
  const bool stored = !options.baselines.empty();
  reports::Policy policy = load_policy(options);
  if (!stored) use_own_names(policy);
  const reports::RuleSet rules = load_rules(options.rules);
  prepare_output_directory(options.out);
  catch_interrupts();
  const reports::GateReport report = reports::conclude(
      policy,
      stored ? judge_stored_files(options, policy, rules) : judge_builds(options, policy, rules),
      stored ? 1 : policy.looks);
  const fs::path out(options.out);
  const std::string markdown = reports::gate_markdown(report), json = reports::gate_json(report);
  write_file(out / "gate.md", markdown);
  write_file(out / "gate.json", json);
  write_file(out / "gate.junit.xml", reports::gate_junit(report));
  fmt::print("{}", options.json ? json : markdown);
  tell_github(report, markdown);
  fmt::print(stderr, "vfsprof: wrote {0}/gate.md, {0}/gate.json, {0}/gate.junit.xml\n",
             options.out);
  return exit_code_of(report);
}

}  // namespace

void setup_gate(CLI::App& app, ExitCode& exit_code) {
  const auto options = std::make_shared<GateOptions>();
  CLI::App* const command = app.add_subcommand("gate",
                                               "Say whether a candidate is worse than its baseline "
                                               "by more than a policy allows. Exit code 0 "
                                               "passed, 1 regressed, 5 undecided, 2 refused");
  command->add_option("--policy", options->policy, "JSON file (reports/schema/policy.schema.json)")
      ->required();
  command->add_option("--baseline", options->baselines,
                      "run.json of the baseline; once for each scenario");
  command->add_option("--candidate", options->candidates, "run.json of the candidate");
  command->add_option("--baseline-binary", options->baseline_binary,
                      "Folder of the baseline's build; both builds are measured in turns");
  command->add_option("--candidate-binary", options->candidate_binary,
                      "Folder of the candidate's build");
  command->add_option("--scenario", options->scenarios,
                      "Measure these scenarios (default: those of the policy; one that the policy "
                      "demands and nobody measured is refused)");
  command->add_option("--variant", options->variant, "Variant of both builds")
      ->capture_default_str();
  command->add_option("--out", options->out, "Directory for results")->capture_default_str();
  command->add_option("--work-dir", options->work_directory,
                      "Directory on a disk for mount points and caches (default: --out)");
  add_rules_option(*command, options->rules);
  command->add_flag("--no-explanation", options->no_explanation,
                    "Do not profile both builds where something regressed");
  command->add_flag("--json", options->json, "Print gate.json instead of gate.md");
  command->callback([options, &exit_code] { exit_code = run_gate(*options); });
}

}  // namespace vfsprof::harness
