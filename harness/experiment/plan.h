#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "reports/model/run_result.h"

namespace vfsprof::harness {

struct PlanOptions {
  std::size_t arms = 1;
  std::size_t floor_arms = 0;     ///< only timing rounds; numbered after the others
  unsigned timing_rounds = 0;     ///< per arm
  unsigned profiling_rounds = 0;  ///< per arm
  unsigned tracing_rounds = 0;    ///< per arm
  unsigned counting_rounds = 0;   ///< per arm
  std::uint64_t seed = 1;
};

struct PlannedRound {
  std::uint32_t arm = 0;    ///< a floor from PlanOptions::arms on
  std::uint32_t block = 0;  ///< rounds of one kind and block are paired across arms
  reports::RoundKind kind = reports::RoundKind::kTiming;
  friend bool operator==(const PlannedRound&, const PlannedRound&) = default;
};

/// The order of an experiment's rounds: blocks in which every arm appears once, profiling
/// and tracing blocks spread over the timing ones. Within a pair of blocks of one kind the second
/// runs the arms in the reverse order of the first, and the seed draws the first's: drift in time
/// favours no arm. Pure.
std::vector<PlannedRound> make_plan(const PlanOptions& options);

}  // namespace vfsprof::harness
