#pragma once

#include <functional>
#include <optional>
#include <string>

#include "reports/model/run_result.h"
#include "reports/rules/rule_set.h"

namespace vfsprof::reports {

/// Which figure of a round: a metric, of all threads, of one role, or of one category of a role.
struct Selector {
  std::string metric;
  std::string role;
  std::string category;
};

/// A figure that rounds of one kind have.
struct SelectedMetric {
  std::string title;  ///< "CPU time of the observed process, mount_vfs"
  std::string unit;
  RoundKind kind = RoundKind::kTiming;
  bool lower_is_better = true;
  /// Holds on other machines too: a count that the daemon makes itself.
  bool is_count = false;
  std::function<std::optional<double>(const Round&)> value;  ///< nothing: not measured
};

/// What a selector names: a metric of `compare`, any counter of the daemon (per operation),
/// `event:NAME` of counting rounds, with a role CPU time and context switches, with a category CPU
/// time of profiling rounds. Nothing for a name that means none of these in these rounds. `rules`
/// must outlive it.
std::optional<SelectedMetric> select_metric(const RunResult& result, const Selector& selector,
                                            const RuleSet& rules);

}  // namespace vfsprof::reports
