#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "reports/analyze/attribution.h"
#include "reports/gate/policy.h"
#include "reports/gate/verdict.h"
#include "reports/model/run_result.h"
#include "reports/rules/rule_set.h"

namespace vfsprof::reports {

/// A metric of the policy in one scenario.
struct GateRow {
  PolicyMetric policy;
  std::string title;
  std::string unit;
  std::string not_judged;  ///< why there is no verdict; empty if it was judged
  MetricVerdict verdict;
};

/// Shown beside what is judged, and without a say.
struct ExploratoryRow {
  std::string title;
  std::string unit;
  double before = 0;  ///< medians
  double after = 0;
};

/// One scenario of the policy.
struct GateScenario {
  std::string name;
  std::string baseline;
  std::string candidate;
  bool stored = false;  ///< of two files, not interleaved
  GateOutcome outcome = GateOutcome::kUndecided;
  std::vector<std::string> refusals;  ///< why nothing is judged; empty unless that is so
  std::vector<std::string> notes;
  std::vector<GateRow> rows;
  std::vector<ExploratoryRow> exploratory;
  Attribution attribution;
};

/// What a gate says. `refused`: something that was handed in cannot be judged at all.
struct GateReport {
  std::string policy;
  GateOutcome outcome = GateOutcome::kUndecided;
  bool refused = false;
  double confidence = 0;       ///< of all verdicts together
  double each_confidence = 0;  ///< of each test
  std::vector<GateScenario> scenarios;
};

/// The first arm of a result that a gate judges.
inline constexpr std::size_t kBaselineArm = 0;
/// Which of the others play which part.
struct GateArms {
  std::optional<std::size_t> candidate;
  std::optional<std::size_t> control;
};
GateArms arms_of(const RunResult& result);

/// Whether an interleaved result decides, so that no more rounds are needed: one metric regressed,
/// or all have a verdict. How often this is asked is planned (Policy::looks).
bool is_decided(const Policy& policy, const RunResult& result, const RuleSet& rules);

/// The verdict on one scenario from one interleaved result: arms in the order baseline, candidate,
/// control. Fails closed: whatever is missing leaves it undecided, and the scenario says what.
GateScenario judge_interleaved(const Policy& policy, const RunResult& result, const RuleSet& rules);

/// The same from two files of one arm each. Refused where they do not fit together.
GateScenario judge_files(const Policy& policy, const RunResult& baseline,
                         const RunResult& candidate, const RuleSet& rules);

/// All scenarios together; one that the policy demands and nobody measured is refused.
GateReport conclude(const Policy& policy, std::vector<GateScenario> scenarios, std::size_t looks);

}  // namespace vfsprof::reports
