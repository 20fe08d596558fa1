#pragma once

#include <span>
#include <string>

#include "reports/analyze/opportunity.h"
#include "reports/analyze/report.h"
#include "reports/rules/rule_set.h"

namespace vfsprof::reports {

/// How waiting that is worth ending is looked for.
struct WaitOptions {
  double threshold = kDefaultThreshold;  ///< of the impact's lower bound, 0 to 1
  std::string placement;                 ///< of the run: which CPUs there were
  int cpus = 1;                          ///< of the machine
};

/// What the rules for opportunities find worth changing in the ledgers of waits of an arm's tracing
/// rounds. A word belongs to the first rule that looks at it.
///
/// Of time, at least so much goes away as the CPUs had left to run what no longer waits: a thread
/// that is not asleep at a lock needs one.
WaitsFound find_wait_opportunities(const ArmSummary& arm, std::span<const Round* const> tracing,
                                   const RuleSet& rules, const WaitOptions& options);

/// "of the time at work of `server`", "of the CPU time of the process while it was traced".
std::string whole_words(const WaitOpportunity& found);

/// "time", "useless_wakes", "retries", as in rules.
std::string to_string(WaitMeasure measure);

}  // namespace vfsprof::reports
