#include "reports/gate/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "reports/analyze/arm_summary.h"
#include "reports/analyze/compare.h"
#include "reports/gate/check_files.h"
#include "reports/gate/metric_value.h"
#include "reports/model/arm_settings.h"

namespace vfsprof::reports {
namespace {

/// What a metric was in each block of an arm.
std::map<std::uint32_t, double> values_by_block(const RunResult& result, std::size_t arm,
                                                const SelectedMetric& metric) {
  std::map<std::uint32_t, double> values;
  for (const Round& round : result.rounds) {
    if (round.arm != arm || round.kind != metric.kind || !void_reason(round).empty()) continue;
    if (const auto value = metric.value(round)) values.emplace(round.block, *value);
  }
  return values;
}

std::vector<BlockValues> blocks_of(const RunResult& result, const GateArms& parts,
                                   const SelectedMetric& metric) {
  const auto before = values_by_block(result, kBaselineArm, metric);
  const auto after = values_by_block(result, *parts.candidate, metric);
  const auto control = values_by_block(result, *parts.control, metric);
  std::vector<BlockValues> blocks;
  for (const auto& [block, value] : before) {
    const auto a = after.find(block), c = control.find(block);
    if (a == after.end() || c == control.end()) continue;
    blocks.push_back({value, a->second, c->second});
  }
  return blocks;
}

/// Says what the row is called, or why it is not judged.
std::optional<SelectedMetric> select(const RunResult& result, const RuleSet& rules, GateRow& row) {
  auto metric =
      select_metric(result, {row.policy.metric, row.policy.role, row.policy.category}, rules);
  row.title = metric ? metric->title : row.policy.metric;
  if (metric) {
    row.unit = metric->unit;
  } else {
    row.not_judged = "no round has such a metric";
  }
  return metric;
}

void judge_row(const Policy& policy, const RunResult& result, const GateArms& parts,
               const RuleSet& rules, GateRow& row) {
  const auto metric = select(result, rules, row);
  if (!metric) return;
  const std::vector<BlockValues> blocks = blocks_of(result, parts, *metric);
  if (blocks.empty()) {
    row.not_judged =
        fmt::format("no block of {} rounds has it in all arms", to_string(metric->kind));
    return;
  }
  const double confidence = each_confidence(family_of(policy, policy.looks));
  row.verdict = judge_metric(blocks, {.limit = row.policy.limit,
                                      .lower_is_better = metric->lower_is_better,
                                      .confidence = confidence});
}

std::vector<GateRow> rows_of(const Policy& policy, const std::string& scenario) {
  std::vector<GateRow> rows;
  for (const PolicyMetric& metric : metrics_of(policy, scenario))
    rows.emplace_back().policy = metric;
  return rows;
}

/// A metric that must be there and is not leaves the scenario undecided.
GateOutcome outcome_of(const GateScenario& scenario) {
  if (!scenario.refusals.empty()) return GateOutcome::kUndecided;
  std::vector<MetricVerdict> verdicts;
  bool missing = false;
  for (const GateRow& row : scenario.rows) {
    if (row.not_judged.empty()) verdicts.push_back(row.verdict);
    missing = missing || (!row.not_judged.empty() && !row.policy.optional);
  }
  const GateOutcome outcome = decide(verdicts);
  return outcome == GateOutcome::kPassed && missing ? GateOutcome::kUndecided : outcome;
}

void add_exploratory(const Policy& policy, const RunResult& result, std::size_t candidate,
                     GateScenario& scenario) {
  for (const Metric& metric : metrics(main_kind(result))) {
    const bool judged =
        std::ranges::any_of(metrics_of(policy, scenario.name), [&metric](const PolicyMetric& each) {
          return each.metric == metric.id && each.role.empty() && each.category.empty();
        });
    if (judged) continue;
    std::vector<double> before, after;
    for (const Round* round : rounds_of(result, kBaselineArm).timing) {
      if (const auto value = metric.value(*round)) before.push_back(*value);
    }
    for (const Round* round : rounds_of(result, candidate).timing) {
      if (const auto value = metric.value(*round)) after.push_back(*value);
    }
    if (before.empty() || after.empty()) continue;
    scenario.exploratory.push_back({metric.title, metric.unit, median(before), median(after)});
  }
}

void refuse_different_work(const RunResult& result, std::size_t after, GateScenario& scenario) {
  Comparison work;
  work.before = kBaselineArm;
  work.after = after;
  check_same_work(result, work);
  for (std::string& reason : work.void_reasons) scenario.refusals.push_back(std::move(reason));
}

}  // namespace

GateArms arms_of(const RunResult& result) {
  GateArms arms;
  for (std::size_t i = 1; i < result.arms.size(); ++i) {
    (is_control(result.arms[i]) ? arms.control : arms.candidate) = i;
  }
  return arms;
}

bool is_decided(const Policy& policy, const RunResult& result, const RuleSet& rules) {
  const GateScenario scenario = judge_interleaved(policy, result, rules);
  if (!scenario.refusals.empty()) return false;
  // One metric beyond its limit is enough; to pass takes all of them.
  if (scenario.outcome == GateOutcome::kRegressed) return true;
  return std::ranges::all_of(scenario.rows, [](const GateRow& row) {
    return row.not_judged.empty() && row.verdict.judgement != Judgement::kUndecided;
  });
}

GateScenario judge_interleaved(const Policy& policy, const RunResult& result,
                               const RuleSet& rules) {
  GateScenario scenario;
  scenario.name = result.scenario.name;
  const GateArms parts = arms_of(result);
  if (!parts.candidate || !parts.control) {
    scenario.refusals.push_back(parts.candidate ? "there is no control arm"
                                                : "there is no candidate arm");
    return scenario;
  }
  scenario.baseline = result.arms[kBaselineArm].name;
  scenario.candidate = result.arms[*parts.candidate].name;
  refuse_different_work(result, *parts.candidate, scenario);
  refuse_different_work(result, *parts.control, scenario);
  if (result.placement != policy.placement) {
    scenario.refusals.push_back(fmt::format("it ran under placement {}, the policy asks for {}",
                                            result.placement, policy.placement));
  }
  if (result.partial) scenario.notes.push_back("it was interrupted: fewer rounds than planned");
  scenario.rows = rows_of(policy, scenario.name);
  for (GateRow& row : scenario.rows) judge_row(policy, result, parts, rules, row);
  add_exploratory(policy, result, *parts.candidate, scenario);
  scenario.outcome = outcome_of(scenario);
  return scenario;
}

namespace {

/// Both files as the arms of one result.
RunResult side_by_side(const RunResult& baseline, const RunResult& candidate) {
  RunResult both = baseline;
  both.arms.push_back(candidate.arms.front());
  for (Round round : candidate.rounds) {
    round.arm = 1;
    both.rounds.push_back(std::move(round));
  }
  return both;
}

void judge_stored_row(const Policy& policy, const RunResult& both, bool same_environment,
                      const RuleSet& rules, GateRow& row) {
  const auto metric = select(both, rules, row);
  if (!metric) return;
  if (!metric->is_count && !same_environment) {
    row.not_judged = "only exact counts carry over to another environment";
    return;
  }
  std::vector<double> before, after;
  for (const auto& [block, value] : values_by_block(both, 0, *metric)) before.push_back(value);
  for (const auto& [block, value] : values_by_block(both, 1, *metric)) after.push_back(value);
  row.verdict = judge_stored(before, after,
                             {.limit = row.policy.limit,
                              .lower_is_better = metric->lower_is_better,
                              .confidence = each_confidence(family_of(policy, 1))});
  if (row.verdict.tier == Tier::kTimeLike ||
      (!same_environment && row.verdict.tier != Tier::kExact)) {
    row.not_judged =
        row.verdict.reason.empty() ? "only exact counts carry over" : row.verdict.reason;
  }
}

}  // namespace

GateScenario judge_files(const Policy& policy, const RunResult& baseline,
                         const RunResult& candidate, const RuleSet& rules) {
  GateScenario scenario;
  scenario.name = candidate.scenario.name;
  scenario.stored = true;
  const FileCheck check = check_files(policy, baseline, candidate);
  scenario.refusals = check.refusals;
  scenario.notes = check.notes;
  if (baseline.arms.size() != 1 || candidate.arms.size() != 1) return scenario;
  scenario.baseline = baseline.arms.front().name;
  scenario.candidate = candidate.arms.front().name;
  const RunResult both = side_by_side(baseline, candidate);
  refuse_different_work(both, 1, scenario);
  scenario.rows = rows_of(policy, scenario.name);
  for (GateRow& row : scenario.rows) {
    judge_stored_row(policy, both, check.same_environment, rules, row);
  }
  add_exploratory(policy, both, 1, scenario);
  scenario.outcome = outcome_of(scenario);
  return scenario;
}

GateReport conclude(const Policy& policy, std::vector<GateScenario> scenarios, std::size_t looks) {
  GateReport report;
  report.policy = policy.name;
  report.outcome = GateOutcome::kPassed;
  report.confidence = policy.confidence;
  report.each_confidence = each_confidence(family_of(policy, looks));
  for (const PolicyScenario& wanted : policy.scenarios) {
    if (std::ranges::any_of(scenarios, [&](const auto& s) { return s.name == wanted.name; })) {
      continue;
    }
    GateScenario& missing = scenarios.emplace_back();
    missing.name = wanted.name;
    missing.stored = true;
    missing.refusals.push_back("the policy demands it, and there is no result of it");
  }
  // A regression found with its control in order is one, whatever the other scenarios say.
  const auto any = [&](GateOutcome outcome) {
    return std::ranges::any_of(scenarios, [&](const auto& s) { return s.outcome == outcome; });
  };
  if (any(GateOutcome::kUndecided)) report.outcome = GateOutcome::kUndecided;
  if (any(GateOutcome::kRegressed)) report.outcome = GateOutcome::kRegressed;
  report.refused =
      std::ranges::any_of(scenarios, [](const auto& s) { return s.stored && !s.refusals.empty(); });
  report.scenarios = std::move(scenarios);
  return report;
}

}  // namespace vfsprof::reports
