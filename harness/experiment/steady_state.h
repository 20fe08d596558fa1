#pragma once

#include <cstddef>
#include <string>

#include "reports/model/run_result.h"

namespace vfsprof::harness {

/// Warm-up repeats the first arm's round until two in a row cost the same CPU time per operation
/// and are equally fast, within these; but not more often than it is told.
inline constexpr double kSteadyCost = 0.10;
inline constexpr double kSteadyThroughput = 0.20;

/// The same in words.
std::string warm_up_criterion(std::size_t most_rounds);

/// Adds a round, and notes from which on they were stable.
void add_warm_up(const reports::Round& round, reports::WarmUp& warm_up);

}  // namespace vfsprof::harness
