#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace vfsprof::reports {

/// A stretch of activity.
struct Burst {
  std::uint64_t first_ns = 0;  ///< time of its first sample
  std::uint64_t last_ns = 0;   ///< and of its last
  std::uint64_t active_ns = 0;
  std::size_t samples = 0;  ///< those that joined it included, which may lie outside of its ends
};

/// How a recording was cut.
struct BurstCut {
  std::vector<Burst> bursts;       ///< in order of time, every sample in one
  std::uint64_t threshold_ns = 0;  ///< a gap longer than this ended a burst
};

/// A gap is idle if it is longer than this...
inline constexpr std::uint64_t kShortestIdleNs = 50'000'000;
/// ...and longer than this many median gaps between samples, so that slow sampling is no idleness.
inline constexpr std::uint64_t kIdleGaps = 10;
/// Fewer samples between two idle gaps join the burst before them: as a round they would say
/// nothing.
inline constexpr std::size_t kFewestInBurst = 20;

/// Cuts sorted times of samples into bursts at idle gaps.
BurstCut find_bursts(std::span<const std::uint64_t> sorted_times_ns);

/// Puts neighbours together until there are at most `most`.
std::vector<Burst> merge_bursts(const std::vector<Burst>& bursts, std::size_t most);

/// The median of the differences between neighbours; 0 for fewer than two values.
std::uint64_t median_gap(std::span<const std::uint64_t> sorted);

}  // namespace vfsprof::reports
