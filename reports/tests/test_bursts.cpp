#include <gtest/gtest.h>

#include <algorithm>

#include "reports/analyze/report.h"
#include "reports/tests/synthetic.h"
#include "reports/write/registry.h"

namespace vfsprof::reports {
namespace {

using synthetic::kernel;
using synthetic::user;

/// Recordings with so many bursts each; copies are 30 % before, and 10 % more in each burst after.
RunResult recordings(std::uint32_t bursts_before, std::uint32_t bursts_after) {
  RunResult result = synthetic::make_result({"old", "new"});
  result.command = "import";
  for (std::uint32_t arm = 0; arm < 2; ++arm) {
    result.arms[arm].axes.clear();
    for (std::uint32_t burst = 0; burst < (arm == 0 ? bursts_before : bursts_after); ++burst) {
      Round round;
      round.arm = arm;
      round.block = burst;
      round.kind = RoundKind::kProfiling;
      round.counts_operations = false;
      round.elapsed_ns = (burst + 1) * 1'000'000'000ULL;
      const std::uint64_t copies = arm == 0 ? 300 : 400 + 100 * burst;
      synthetic::add_profile(round, {{"server", {user("memmove")}, copies},
                                     {"server", {kernel("futex_wake")}, 1000 - copies}});
      result.rounds.push_back(round);
    }
  }
  return result;
}

TEST(Bursts, ThoseOfOneNumberAreCompared) {
  const Report report = build_report(recordings(3, 4), default_rules());
  const std::vector<BurstPair>& bursts = report.comparisons.at(0).bursts;
  ASSERT_EQ(bursts.size(), 3U);
  for (std::uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(bursts[i].burst, i);
    EXPECT_EQ(bursts[i].samples_before, 1000U);
    EXPECT_EQ(bursts[i].elapsed_after_ns, (i + 1) * 1'000'000'000ULL);
    const auto copies = std::ranges::find(bursts[i].cells, "memory-copy", &BurstCell::id);
    ASSERT_NE(copies, bursts[i].cells.end());
    EXPECT_NEAR(copies->share_before, 0.3, 1e-9);
    EXPECT_NEAR(copies->share_after, 0.4 + 0.1 * i, 1e-9);
  }
  const std::string text = render(report, "md");
  EXPECT_NE(text.find("### Burst by burst"), std::string::npos);
  EXPECT_NE(text.find("30.00 % -> 50.00 % (+20.00 pp)"), std::string::npos) << text;
  EXPECT_NE(text.find("rose in 3 of 3"), std::string::npos);
}

TEST(Bursts, OneBurstIsNoTable) {
  EXPECT_TRUE(build_report(recordings(1, 4), default_rules()).comparisons.at(0).bursts.empty());
  const RunResult measured = synthetic::make_comparison(6, 1);
  EXPECT_TRUE(build_report(measured, default_rules()).comparisons.at(0).bursts.empty());
}

}  // namespace
}  // namespace vfsprof::reports
