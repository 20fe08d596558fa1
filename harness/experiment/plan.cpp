#include "harness/experiment/plan.h"

#include <algorithm>
#include <array>
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
  using enum reports::RoundKind;
  std::vector<PlannedRound> plan;
  BlockOrder timing_order(options.arms + options.floor_arms, options.seed);
  const auto add_block = [&](BlockOrder& order, std::uint32_t block, reports::RoundKind kind) {
    for (const std::uint32_t arm : order.next()) plan.push_back({arm, block, kind});
  };
  /// Blocks of a kind that is spread evenly over the timing blocks.
  struct Spread {
    reports::RoundKind kind;
    std::uint32_t blocks;
    BlockOrder order;
    std::uint32_t planned = 0;
  };
  std::array spreads{
      Spread{kProfiling, options.profiling_rounds, BlockOrder(options.arms, options.seed + 1)},
      Spread{kTracing, options.tracing_rounds, BlockOrder(options.arms, options.seed + 2)},
      Spread{kCounting, options.counting_rounds, BlockOrder(options.arms, options.seed + 3)}};
  const auto add_until = [&](Spread& spread, std::uint32_t due) {
    for (; spread.planned < due; ++spread.planned) {
      add_block(spread.order, spread.planned, spread.kind);
    }
  };

  for (std::uint32_t block = 0; block < options.timing_rounds; ++block) {
    add_block(timing_order, block, kTiming);
    for (Spread& spread : spreads) {
      add_until(spread, spread.blocks * (block + 1) / options.timing_rounds);
    }
  }
  for (Spread& spread : spreads) add_until(spread, spread.blocks);
  return plan;
}

}  // namespace vfsprof::harness
