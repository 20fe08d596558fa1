#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace vfsprof::harness {

struct LookOptions {
  std::chrono::nanoseconds time{0};   ///< for all blocks
  std::chrono::nanoseconds block{0};  ///< how long one takes
  std::size_t least_blocks = 1;       ///< with fewer there is no verdict at all
  std::size_t looks = 1;
};

/// After how many blocks the data are looked at, the planned end last: laid down beforehand, so
/// that the verdict may be corrected for the number of looks. The first look is where a verdict is
/// first possible, the others follow evenly. Pure.
std::vector<std::uint32_t> plan_looks(const LookOptions& options);

/// The most blocks that are ever planned.
inline constexpr std::uint32_t kMostBlocks = 1000;

}  // namespace vfsprof::harness
