#pragma once

#include <cstdint>

#include "harness/scenario/scenario.h"

namespace vfsprof::harness {

/// What a scenario will do, found by making all its operations without carrying them out.
struct Footprint {
  std::uint64_t peak_bytes =
      0;  ///< that all files hold at most, were all clients at their peak at once
  std::uint64_t operations = 0;  ///< of the measured phase
};

/// Takes some 100 ns for each operation of steps and lists; jobs in fio's words are reckoned.
/// Errors: BadInput where a step finds nothing to work on, the disk budget does not suffice, or
/// there are more operations than allowed.
Footprint measure_footprint(const Scenario& scenario, std::uint64_t seed);

}  // namespace vfsprof::harness
