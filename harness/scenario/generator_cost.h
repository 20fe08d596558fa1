#pragma once

#include <cstdint>
#include <vector>

#include "harness/scenario/client_plan.h"

namespace vfsprof::harness {

/// CPU time that the generator takes for itself: everything about an operation but its system call.
struct GeneratorCost {
  std::uint64_t operations = 0;  ///< that were made to find out
  double ns_per_operation = 0;   ///< with the two clock readings around each
  double ns_without_clocks = 0;  ///< without them
};

/// Lets the client's operations succeed at once, without system calls: its first
/// `most_operations`, without pauses, barriers and pace.
GeneratorCost measure_generator(const ClientPlan& plan, std::uint64_t most_operations);

/// The same over a scenario: the first client of each job, as those of one job are alike.
GeneratorCost measure_generator(const Scenario& scenario, std::uint64_t seed,
                                std::uint64_t most_operations);

}  // namespace vfsprof::harness
