#pragma once

#include "reports/analyze/attribution.h"
#include "reports/gate/evaluate.h"
#include "reports/model/run_result.h"
#include "reports/rules/rule_set.h"

namespace vfsprof::reports {

/// Where a regression comes from, the likeliest cause first: by the profiling rounds of baseline,
/// candidate and control, and by what was counted (gate/counted_work.h).
///
/// Counts are exact where samples are a matter of chance, and what is counted is a cause where time
/// may be a consequence (a colder cache, a switch more). So the cells whose work was counted to
/// have grown come first, each with its counts; then cells that became dearer, by what they surely
/// moved; then those that became cheaper. But a cell that surely grew by kFarDearer times as much
/// as any counted one, and by kSubstantial of the baseline's CPU time at least, comes before them.
Attribution explain_regression(const RunResult& result, const GateScenario& judged,
                               const RuleSet& rules);

inline constexpr double kFarDearer = 5;
inline constexpr double kSubstantial = 0.05;

}  // namespace vfsprof::reports
