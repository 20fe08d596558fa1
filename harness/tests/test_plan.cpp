#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "harness/experiment/looks.h"
#include "harness/experiment/plan.h"

namespace vfsprof::harness {
namespace {

using reports::RoundKind;

std::vector<PlannedRound> of_kind(const std::vector<PlannedRound>& plan, RoundKind kind) {
  std::vector<PlannedRound> result;
  std::ranges::copy_if(plan, std::back_inserter(result),
                       [kind](const PlannedRound& round) { return round.kind == kind; });
  return result;
}

TEST(Plan, EveryBlockHasEveryArmOnce) {
  const auto plan = make_plan({.arms = 3, .timing_rounds = 7, .profiling_rounds = 4, .seed = 5});
  ASSERT_EQ(plan.size(), 3u * (7 + 4));
  std::map<std::pair<RoundKind, std::uint32_t>, std::set<std::uint32_t>> blocks;
  for (const PlannedRound& round : plan) {
    EXPECT_TRUE(blocks[std::pair(round.kind, round.block)].insert(round.arm).second);
  }
  EXPECT_EQ(blocks.size(), 11u);
  for (const auto& [block, arms] : blocks) EXPECT_EQ(arms.size(), 3u);
}

TEST(Plan, PairsOfBlocksMirrorEachOther) {
  const auto plan =
      of_kind(make_plan({.arms = 2, .timing_rounds = 8, .profiling_rounds = 3, .seed = 9}),
              RoundKind::kTiming);
  for (std::size_t i = 0; i < plan.size(); i += 4) {
    EXPECT_EQ(plan[i].arm, plan[i + 3].arm);
    EXPECT_EQ(plan[i + 1].arm, plan[i + 2].arm);
  }
}

TEST(Plan, SpreadsProfilingOverTiming) {
  const auto plan = make_plan({.arms = 1, .timing_rounds = 6, .profiling_rounds = 3, .seed = 1});
  std::string order;
  for (const PlannedRound& round : plan) order += round.kind == RoundKind::kTiming ? 't' : 'p';
  EXPECT_EQ(order, "ttpttpttp");
}

TEST(Plan, SpreadsEachKindByItself) {
  const auto plan = make_plan(
      {.arms = 1, .timing_rounds = 4, .profiling_rounds = 2, .tracing_rounds = 4, .seed = 1});
  std::string order;
  for (const PlannedRound& round : plan) order += "tpr"[static_cast<int>(round.kind)];
  EXPECT_EQ(order, "trtprtrtpr");
}

TEST(Plan, MoreProfilingThanTimingLosesNoRound) {
  const auto plan = make_plan({.arms = 2, .timing_rounds = 1, .profiling_rounds = 5, .seed = 1});
  EXPECT_EQ(of_kind(plan, RoundKind::kProfiling).size(), 10u);
  EXPECT_EQ(of_kind(plan, RoundKind::kTiming).size(), 2u);
}

TEST(Plan, TheSeedDecidesTheOrder) {
  const PlanOptions options{.arms = 4, .timing_rounds = 6, .profiling_rounds = 2, .seed = 11};
  EXPECT_EQ(make_plan(options), make_plan(options));
  PlanOptions other = options;
  other.seed = 12;
  EXPECT_NE(make_plan(options), make_plan(other));
}

TEST(Plan, NoArmIsFavoured) {
  // Over an even number of blocks each arm runs first equally often as last: mirrored pairs.
  const auto plan = make_plan({.arms = 2, .timing_rounds = 100, .profiling_rounds = 0, .seed = 3});
  int first[2] = {};
  for (std::size_t i = 0; i < plan.size(); i += 2) ++first[plan[i].arm];
  EXPECT_EQ(first[0], first[1]);
}

using namespace std::chrono_literals;

TEST(Looks, BeginWhereAVerdictIsPossibleAndEndWithTheTime) {
  using Blocks = std::vector<std::uint32_t>;
  EXPECT_EQ(plan_looks({.time = 100s, .block = 2s, .least_blocks = 10, .looks = 3}),
            (Blocks{10, 30, 50}));
  EXPECT_EQ(plan_looks({.time = 100s, .block = 2s, .least_blocks = 10, .looks = 1}), (Blocks{50}));
  EXPECT_EQ(plan_looks({.time = 20s, .block = 2s, .least_blocks = 10, .looks = 3}), (Blocks{10}));
  EXPECT_EQ(plan_looks({.time = 22s, .block = 2s, .least_blocks = 10, .looks = 3}),
            (Blocks{10, 11}));
}

TEST(Looks, AimAtAVerdictWhereTheTimeIsTooShort) {
  EXPECT_EQ(plan_looks({.time = 1s, .block = 2s, .least_blocks = 8, .looks = 3}).back(), 8U);
  EXPECT_EQ(plan_looks({.time = -5s, .block = 0s, .least_blocks = 0, .looks = 0}).size(), 1U);
  EXPECT_EQ(plan_looks({.time = 1h, .block = 1ns, .least_blocks = 8, .looks = 3}).back(),
            kMostBlocks);
}

}  // namespace
}  // namespace vfsprof::harness
