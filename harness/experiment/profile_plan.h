#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

#include "reports/model/run_result.h"

namespace vfsprof::harness {

using Nanoseconds = std::chrono::nanoseconds;

/// What comes next while a program of somebody else is observed, whose end may not be known.
struct Stretch {
  std::uint32_t block = 0;
  reports::RoundKind kind = reports::RoundKind::kTiming;
  Nanoseconds length{0};
};

/// The stretch of number `index`, begun when `elapsed` had passed.
///
/// Every block has one stretch of each of `kinds`, and the next block runs them in the reverse
/// order, so that what changes with time favours none. The first stretch is of the first kind: a
/// program that ends at once has been observed. Stretches without an observer are half as long.
/// `change` is how long it has taken on average to go from one stretch to the next, in which
/// nothing is observed: with a `duration` there are about twelve blocks in it, or fewer where their
/// changes would take more than a quarter of it, but six, which an interval needs. Without one,
/// stretches grow with what has elapsed, so that the number of rounds stays in the hundreds. Pure.
Stretch plan_stretch(std::uint32_t index, std::span<const reports::RoundKind> kinds,
                     Nanoseconds elapsed, std::optional<Nanoseconds> duration,
                     Nanoseconds change = Nanoseconds(0));

}  // namespace vfsprof::harness
