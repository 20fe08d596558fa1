#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reports/gate/evaluate.h"
#include "reports/model/run_result.h"

namespace vfsprof::reports {

/// Work that was counted one by one, and that the candidate did more of.
struct CountedWork {
  std::string what;                     ///< "futex wakes"
  std::string role;                     ///< of these threads; empty: it was not counted by thread
  std::vector<std::string> categories;  ///< where its CPU time is found, the likeliest first
  double before = 0;                    ///< medians, in `unit`
  double after = 0;
  std::string unit;
};

/// What the counts say of a regression: the policy's metrics of `judged` that regressed and are
/// counts of a known kind of work, then futex calls, sleeps and page faults by thread role, from
/// tracing and counting rounds. Of those, what the candidate did more of in every round than
/// baseline and control in any, by at least kLeastIncrease: of 4 rounds each, by chance in 1 of
/// 495. Futex waits are left out where wakes grew too: no thread waits more often than it is woken.
std::vector<CountedWork> counted_increases(const RunResult& result, const GateScenario& judged);

/// Per operation.
inline constexpr double kLeastIncrease = 0.02;
/// Rounds of each arm, below which a count by thread says nothing.
inline constexpr std::size_t kLeastCountedRounds = 3;

}  // namespace vfsprof::reports
