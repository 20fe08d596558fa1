#include "harness/experiment/plan.h"

#include <algorithm>
#include <numeric>
#include <random>

namespace vfsprof::harness {
namespace {

/// Draws the order of arms for one block after another.
class BlockOrder {
 public:
  BlockOrder(std::size_t arms, std::uint64_t seed) : order_(arms), random_(seed) {
    std::iota(order_.begin(), order_.end(), 0u);
  }

  const std::vector<std::uint32_t>& next() {
    if (second_of_pair_) {
      std::ranges::reverse(order_);
    } else {
      std::ranges::shuffle(order_, random_);
    }
    second_of_pair_ = !second_of_pair_;
    return order_;
  }

 private:
  std::vector<std::uint32_t> order_;
  std::mt19937_64 random_;
  bool second_of_pair_ = false;
};

}  // namespace

std::vector<PlannedRound> make_plan(const PlanOptions& options) {
  std::vector<PlannedRound> plan;
  BlockOrder timing_order(options.arms + options.floor_arms, options.seed);
  BlockOrder profiling_order(options.arms, options.seed + 1);
  const auto add_block = [&](BlockOrder& order, std::uint32_t block, reports::RoundKind kind) {
    for (const std::uint32_t arm : order.next()) plan.push_back({arm, block, kind});
  };

  std::uint32_t profiled = 0;
  for (std::uint32_t block = 0; block < options.timing_rounds; ++block) {
    add_block(timing_order, block, reports::RoundKind::kTiming);
    // As many profiling blocks as are due by now, so that they spread evenly.
    const std::uint32_t due = options.profiling_rounds * (block + 1) / options.timing_rounds;
    for (; profiled < due; ++profiled) {
      add_block(profiling_order, profiled, reports::RoundKind::kProfiling);
    }
  }
  for (; profiled < options.profiling_rounds; ++profiled) {
    add_block(profiling_order, profiled, reports::RoundKind::kProfiling);
  }
  return plan;
}

}  // namespace vfsprof::harness
