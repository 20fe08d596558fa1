#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "reports/analyze/control.h"
#include "reports/gate/evaluate.h"
#include "reports/gate/write_gate.h"
#include "reports/rules/rule_set.h"
#include "reports/tests/gate_results.h"
#include "reports/tests/synthetic.h"

namespace vfsprof::reports {
namespace {

using synthetic::concluded;
using synthetic::Costs;
using synthetic::make_policy;
using synthetic::make_result;
using synthetic::make_round;
using synthetic::make_turns;

PolicyMetric metric(const std::string& name) { return synthetic::judged_metric(name); }

GateScenario judged(const RunResult& result, Policy policy) {
  return judge_interleaved(policy, result, default_rules());
}
GateScenario judged(const RunResult& result) {
  return judged(result, make_policy(result.scenario.name));
}

TEST(Gate, PassesEqualBuilds) {
  const RunResult result = make_turns({});
  const GateScenario scenario = judged(result);
  EXPECT_EQ(scenario.outcome, GateOutcome::kPassed);
  ASSERT_EQ(scenario.rows.size(), 2U);
  EXPECT_EQ(scenario.rows[0].verdict.tier, Tier::kExact);
  EXPECT_EQ(scenario.rows[0].verdict.judgement, Judgement::kEquivalent);
  EXPECT_EQ(scenario.rows[1].verdict.judgement, Judgement::kEquivalent);
  EXPECT_EQ(scenario.candidate, "candidate");
  EXPECT_TRUE(is_decided(make_policy(result.scenario.name), result, default_rules()));
  EXPECT_TRUE(std::ranges::any_of(
      scenario.exploratory, [](const ExploratoryRow& row) { return row.title == "throughput"; }));
  EXPECT_TRUE(std::ranges::none_of(scenario.exploratory, [](const ExploratoryRow& row) {
    return row.title == "CPU time of the observed process";
  }));
}

TEST(Gate, CatchesOneMoreWakeAndDearerOperations) {
  const GateScenario wake = judged(make_turns({.wakes = 4}));
  EXPECT_EQ(wake.outcome, GateOutcome::kRegressed);
  EXPECT_EQ(wake.rows[0].verdict.judgement, Judgement::kRegressed);
  EXPECT_EQ(wake.rows[1].verdict.judgement, Judgement::kEquivalent);
  const GateScenario dearer = judged(make_turns({.cpu_ns = 46'000}));
  EXPECT_EQ(dearer.outcome, GateOutcome::kRegressed);
  EXPECT_EQ(dearer.rows[1].verdict.judgement, Judgement::kRegressed);
  EXPECT_EQ(judged(make_turns({.cpu_ns = 30'000})).outcome, GateOutcome::kPassed);
}

TEST(Gate, AFailedControlIsNeverARegression) {
  const GateScenario scenario =
      judged(make_turns({.cpu_ns = 80'000, .wakes = 9}, {.cpu_ns = 50'000}));
  EXPECT_EQ(scenario.outcome, GateOutcome::kUndecided);
  EXPECT_TRUE(scenario.rows[1].verdict.control_failed);
}

TEST(Gate, TooFewBlocksAreUndecided) {
  const RunResult result = make_turns({}, {}, 3);
  EXPECT_EQ(judged(result).outcome, GateOutcome::kUndecided);
  EXPECT_FALSE(is_decided(make_policy(result.scenario.name), result, default_rules()));
}

TEST(Gate, FailsClosed) {
  const auto refused = [](const RunResult& result) {
    const GateScenario scenario = judged(result);
    EXPECT_EQ(scenario.outcome, GateOutcome::kUndecided);
    return !scenario.refusals.empty();
  };
  RunResult result = make_turns({});
  result.arms[2].axes.pop_back();  // no control
  EXPECT_TRUE(refused(result));

  result = make_turns({});
  std::erase_if(result.rounds, [](const Round& round) { return round.arm == 1; });
  EXPECT_TRUE(refused(result));

  result = make_turns({});
  for (Round& round : result.rounds) {
    if (round.arm == 1) round.operations.clear();
  }
  EXPECT_TRUE(refused(result));

  result = make_turns({});
  for (Round& round : result.rounds) {
    if (round.arm == 1) round.results_hash = "other results";
  }
  EXPECT_TRUE(refused(result));

  result = make_turns({});
  result.placement = "free";
  EXPECT_TRUE(refused(result));

  EXPECT_TRUE(refused(make_result({"only one"})));
}

TEST(Gate, AMetricThatIsMissingIsNotAPass) {
  const RunResult result = make_turns({});
  Policy policy = make_policy(result.scenario.name);
  policy.metrics.push_back(metric("event:page-faults"));
  EXPECT_EQ(judged(result, policy).outcome, GateOutcome::kUndecided);
  EXPECT_FALSE(judged(result, policy).rows[2].not_judged.empty());
  policy.metrics.back().optional = true;
  EXPECT_EQ(judged(result, policy).outcome, GateOutcome::kPassed);
  policy.metrics.back() = metric("no_such_metric");
  EXPECT_EQ(judged(result, policy).outcome, GateOutcome::kUndecided);
  EXPECT_EQ(judged(make_turns({.wakes = 4}), policy).outcome, GateOutcome::kRegressed);
}

TEST(Gate, ReadsRolesAndAnyCounter) {
  RunResult result = make_turns({});
  for (Round& round : result.rounds) {
    const std::uint64_t ns = round.arm == 1 ? 50'000'000 : 20'000'000;
    round.threads = {{.tid = 1,
                      .name = "mount_vfs",
                      .full_name = "mount_vfs",
                      .role = "mount_vfs",
                      .cpu_ns = ns}};
    round.counters.push_back({"novel_counter", "things", round.arm == 1 ? 2000U : 1000U});
  }
  Policy policy = make_policy(result.scenario.name);
  policy.metrics = {metric("cpu_ns_per_operation"), metric("novel_counter")};
  policy.metrics[0].role = "mount_vfs";
  const GateScenario scenario = judged(result, policy);
  EXPECT_EQ(scenario.rows[0].verdict.judgement, Judgement::kRegressed);
  EXPECT_EQ(scenario.rows[0].verdict.before, 20'000);
  EXPECT_EQ(scenario.rows[1].verdict.judgement, Judgement::kRegressed);
  EXPECT_EQ(scenario.rows[1].verdict.after, 2);
}

/// A stored result of one arm, measured at a time.
RunResult make_stored(const std::string& started, Costs costs) {
  RunResult result = make_result({"main"});
  result.started = started;
  for (std::uint32_t block = 0; block < 6; ++block) {
    result.rounds.push_back(make_round({.block = block,
                                        .cpu_ns_per_operation = costs.cpu_ns,
                                        .thread_wakes_per_operation = costs.wakes}));
  }
  return result;
}

const char* const kMonday = "2026-11-16T08:00:00Z";
const char* const kTuesday = "2026-11-17T08:00:00Z";

GateScenario judged_files(const RunResult& before, const RunResult& after) {
  return judge_files(make_policy(before.scenario.name), before, after, default_rules());
}

TEST(StoredGate, JudgesCounts) {
  const RunResult baseline = make_stored(kMonday, {});
  EXPECT_EQ(judged_files(baseline, make_stored(kTuesday, {})).outcome, GateOutcome::kPassed);
  EXPECT_EQ(judged_files(baseline, make_stored(kTuesday, {.wakes = 4})).outcome,
            GateOutcome::kRegressed);
}

TEST(StoredGate, RefusesWhatDoesNotFitTogether) {
  const RunResult baseline = make_stored(kMonday, {}), candidate = make_stored(kTuesday, {});
  const auto refusal = [&](auto change) {
    RunResult before = baseline, after = candidate;
    change(before, after);
    const GateScenario scenario = judged_files(before, after);
    EXPECT_EQ(scenario.outcome, GateOutcome::kUndecided);
    EXPECT_TRUE(conclude(make_policy(after.scenario.name), {scenario}, 1).refused);
    return scenario.refusals.empty() ? "" : scenario.refusals.front();
  };
  using R = RunResult&;
  EXPECT_NE(refusal([](R before, R) { before.started = "2026-09-01T08:00:00Z"; }).find("stale"),
            std::string::npos);
  EXPECT_NE(refusal([](R before, R) { before.started = "2026-11-18T08:00:00Z"; }).find("younger"),
            std::string::npos);
  EXPECT_NE(refusal([](R before, R) { before.started = "yesterday"; }), "");
  EXPECT_NE(refusal([](R, R after) { after.scenario.name = "other"; }), "");
  EXPECT_NE(refusal([](R, R after) { after.scenario.document += " "; }), "");
  EXPECT_NE(refusal([](R, R after) { after.seed += 1; }), "");
  EXPECT_NE(refusal([](R, R after) { after.target = "dir=/x"; }), "");
  EXPECT_NE(refusal([](R, R after) { after.placement = "free"; }), "");
  EXPECT_NE(refusal([](R, R after) { after.partial = true; }), "");
  EXPECT_NE(refusal([](R, R after) { after.rounds.clear(); }), "");
  EXPECT_NE(refusal([](R, R after) { after.rounds[2].void_reason = "disk full"; }), "");
  EXPECT_NE(refusal([](R, R after) { after.rounds[2].operations.clear(); }), "");
  EXPECT_NE(refusal([](R, R after) { after.rounds[0].counters[0].unit = "furlongs"; }), "");
  EXPECT_NE(refusal([](R, R after) { after.environment.build_type = "Debug"; }), "");
  EXPECT_NE(refusal([](R, R after) { after.arms.push_back(after.arms[0]); }), "");
}

TEST(StoredGate, OfAnotherEnvironmentOnlyExactCountsCarryOver) {
  RunResult baseline = make_stored(kMonday, {});
  baseline.environment.kernel = "Linux 5.15";
  const RunResult candidate = make_stored(kTuesday, {.wakes = 4});
  EXPECT_NE(judged_files(baseline, candidate).refusals.front().find("another environment"),
            std::string::npos);
  Policy policy = make_policy(candidate.scenario.name);
  policy.other_environment = OtherEnvironment::kExactCounts;
  const GateScenario scenario = judge_files(policy, baseline, candidate, default_rules());
  EXPECT_TRUE(scenario.refusals.empty());
  EXPECT_NE(scenario.notes.front().find("Linux 5.15"), std::string::npos);
  EXPECT_EQ(scenario.rows[0].verdict.judgement, Judgement::kRegressed);
  EXPECT_NE(scenario.rows[1].not_judged, "");
  EXPECT_EQ(scenario.outcome, GateOutcome::kRegressed);
}

TEST(GateReport, DemandsEveryScenario) {
  const RunResult result = make_turns({});
  Policy policy = make_policy(result.scenario.name);
  policy.scenarios.push_back({.name = "varmail"});
  const GateReport report =
      conclude(policy, {judge_interleaved(policy, result, default_rules())}, policy.looks);
  EXPECT_TRUE(report.refused);
  EXPECT_EQ(report.outcome, GateOutcome::kUndecided);
  EXPECT_EQ(report.scenarios.size(), 2U);
  EXPECT_FALSE(concluded(make_turns({})).refused);
  EXPECT_EQ(concluded(make_turns({})).outcome, GateOutcome::kPassed);
}

TEST(GateReport, IsWrittenForPeopleAndPrograms) {
  const GateReport report = concluded(make_turns({.wakes = 4}));
  const std::string markdown = gate_markdown(report);
  EXPECT_NE(markdown.find("**regressed**"), std::string::npos) << markdown;
  EXPECT_NE(markdown.find("+33.3 %"), std::string::npos) << markdown;
  EXPECT_NE(markdown.find("Exploratory"), std::string::npos);
  const auto json = nlohmann::json::parse(gate_json(report));
  EXPECT_EQ(json["outcome"], "regressed");
  EXPECT_EQ(json["scenarios"][0]["metrics"][0]["tier"], "exact");
  const std::string junit = gate_junit(report);
  EXPECT_NE(junit.find("tests=\"2\" failures=\"1\" errors=\"0\""), std::string::npos) << junit;
  const std::string annotations = gate_annotations(report);
  EXPECT_TRUE(annotations.starts_with("::error title=vfsprof gate%2C ")) << annotations;
  EXPECT_EQ(std::ranges::count(annotations, '\n'), 1);
  EXPECT_EQ(gate_annotations(concluded(make_turns({}))), "");
}

TEST(GateReport, NamesFromOutsideAreHarmless) {
  GateReport report = concluded(make_turns({.wakes = 4}));
  report.scenarios[0].name = "a<b>\"&\n::error::%|`";
  report.scenarios[0].refusals = {"line\nbreak ]]> & <tag>"};
  const std::string junit = gate_junit(report);
  EXPECT_EQ(junit.find("<b>"), std::string::npos) << junit;
  EXPECT_EQ(junit.find("<tag>"), std::string::npos) << junit;
  EXPECT_EQ(std::ranges::count(gate_annotations(report), '\n'), 1);
  EXPECT_EQ(gate_markdown(report).find("<tag>"), std::string::npos);
}

TEST(CompareControl, WithdrawsVerdictsWhereEqualArmsDiffer) {
  RunResult result = make_turns({.cpu_ns = 80'000});
  Report report = build_report(result, default_rules());
  ASSERT_EQ(report.comparisons.size(), 1U);  // the control is none
  EXPECT_EQ(report.comparisons[0].verdict, Verdict::kRegressed);
  EXPECT_TRUE(has_verdicts(result));
  result = make_turns({.cpu_ns = 80'000}, {.cpu_ns = 50'000});
  report = build_report(result, default_rules());
  EXPECT_EQ(report.comparisons[0].verdict, Verdict::kUndecided);
  EXPECT_EQ(report.comparisons[0].metrics[0].verdict, Verdict::kUndecided);
}

TEST(CompareControl, CorrectsForArmsAndLooks) {
  EXPECT_DOUBLE_EQ(deciding_confidence(make_result({"a", "b"})), 0.95);
  EXPECT_DOUBLE_EQ(deciding_confidence(make_result({"a", "b", "c"})), 0.975);
  EXPECT_DOUBLE_EQ(deciding_confidence(make_turns({})), 1 - 0.05 / 6);
}

}  // namespace
}  // namespace vfsprof::reports
