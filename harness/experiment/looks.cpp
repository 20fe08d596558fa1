#include "harness/experiment/looks.h"

#include <algorithm>

namespace vfsprof::harness {

std::vector<std::uint32_t> plan_looks(const LookOptions& options) {
  const auto block = std::max<std::int64_t>(options.block.count(), 1);
  const auto fit = std::clamp<std::int64_t>(options.time.count() / block, 1, kMostBlocks);
  const auto least =
      std::clamp<std::int64_t>(static_cast<std::int64_t>(options.least_blocks), 1, kMostBlocks);
  // A budget that is too short ends the rounds by the clock; the plan says what was aimed at.
  const std::int64_t last = std::max(fit, least);
  const auto looks = static_cast<std::int64_t>(std::max<std::size_t>(options.looks, 1));
  std::vector<std::uint32_t> after;
  for (std::int64_t look = 0; look < looks; ++look) {
    const std::int64_t blocks = looks == 1 ? last : least + (last - least) * look / (looks - 1);
    if (after.empty() || after.back() < blocks) after.push_back(static_cast<std::uint32_t>(blocks));
  }
  return after;
}

}  // namespace vfsprof::harness
