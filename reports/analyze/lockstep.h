#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reports/analyze/report.h"

namespace vfsprof::reports {

/// What must repeat exactly in lockstep: operations by kind, their errors and bytes, the hashes of
/// their results and of the final tree, and the counters that call themselves exact.
std::vector<NamedValue> count_vector(const Round& round);

/// Names the first entry that two vectors do not share, and both values; empty if they are equal.
std::string first_difference(const std::vector<NamedValue>& expected,
                             const std::vector<NamedValue>& found);

/// Compares every round that counts with the first of its arm. Nothing for a run that was not in
/// lockstep.
std::optional<LockstepReport> check_lockstep(const RunResult& result);

/// One sentence.
std::string describe(const LockstepReport& report);

}  // namespace vfsprof::reports
