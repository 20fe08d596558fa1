#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "reports/analyze/bootstrap.h"
#include "reports/tests/simulation.h"

namespace vfsprof::reports {
namespace {

struct World {
  std::vector<double> shares;  ///< true shares
  std::size_t rounds = 3;
  std::size_t blocks = 13;
  double samples_per_block = 300;
  double noise_between = 0.02;  ///< relative spread of each cell between rounds
};

/// Rounds whose samples fall into cells by chance, on top of what rounds differ by.
std::vector<ResampledRound> simulate(const World& world, std::mt19937_64& random) {
  std::normal_distribution<double> normal;
  std::vector<ResampledRound> rounds;
  for (std::size_t r = 0; r < world.rounds; ++r) {
    std::vector<double> rates;
    for (const double share : world.shares) {
      rates.push_back(share * std::max(0.0, 1 + world.noise_between * normal(random)));
    }
    ResampledRound& round = rounds.emplace_back();
    round.operations = 1'000;
    for (std::size_t b = 0; b < world.blocks; ++b) {
      std::vector<double>& block = round.blocks.emplace_back();
      for (const double rate : rates) {
        std::poisson_distribution<int> count(rate * world.samples_per_block);
        block.push_back(1e6 * count(random));
      }
    }
  }
  return rounds;
}

/// How often the intervals of share and cost hold the truth, over all cells.
double coverage(const World& world, int trials) {
  std::mt19937_64 random(42);
  int covered = 0, all = 0;
  for (int i = 0; i < trials; ++i) {
    const auto rounds = simulate(world, random);
    const auto cells = resample(rounds, world.shares.size(), random());
    for (std::size_t c = 0; c < world.shares.size(); ++c) {
      const std::vector<double> share = deviations(cells[c].share_spread, world.rounds - 1);
      const Interval interval = percentile_interval(cells[c].share, share);
      covered += interval.low <= world.shares[c] && world.shares[c] <= interval.high ? 1 : 0;
      ++all;
    }
  }
  return static_cast<double>(covered) / all;
}

const std::vector<double> kShares{0.35, 0.25, 0.2, 0.12, 0.06, 0.02};

TEST(Bootstrap, IntervalsCoverTheTruthWhereRoundsDoNotDiffer) {
  const double found = coverage({.shares = kShares, .noise_between = 0}, 150);
  EXPECT_GE(found, 0.91);
  EXPECT_LE(found, 0.995);
}

TEST(Bootstrap, IntervalsCoverTheTruthWhereRoundsDifferMuch) {
  const double found = coverage({.shares = kShares, .noise_between = 0.15}, 150);
  EXPECT_GE(found, 0.90);
}

TEST(Bootstrap, SharesAndCostsOfSamplesAreCoveredThroughTheWholeAnalysis) {
  // The full simulation is scripts/bench coverage: 93 to 97 % of 1000 runs. Of 60 runs with cells
  // that hang together less than 90 or more than 99.5 % come by chance once in some hundred times.
  for (const synthetic::World& world : synthetic::promised_worlds()) {
    if (world.name != "independent" && world.name != "autocorrelated 0.8") continue;
    const synthetic::CoverageOfBoth found = synthetic::measure_coverage(world, 60, 3);
    EXPECT_GE(found.share.value(), 0.90) << world.name;
    EXPECT_LE(found.share.value(), 0.995) << world.name;
    EXPECT_GE(found.cost.value(), 0.90) << world.name;
    EXPECT_LE(found.cost.value(), 0.995) << world.name;
  }
}

TEST(Bootstrap, EstimatesAreExact) {
  std::vector<ResampledRound> rounds{{100, {{1'000, 3'000}, {2'000, 2'000}}},
                                     {300, {{4'000, 4'000}}}};
  const auto cells = resample(rounds, 2, 1);
  EXPECT_DOUBLE_EQ(cells[0].share, 7'000.0 / 16'000);
  EXPECT_DOUBLE_EQ(cells[1].cost_ns, 9'000.0 / 400);
}

TEST(Bootstrap, TheSameSeedGivesTheSameIntervals) {
  std::mt19937_64 random(7);
  const auto rounds = simulate({.shares = kShares}, random);
  const auto first = resample(rounds, kShares.size(), 5),
             second = resample(rounds, kShares.size(), 5);
  EXPECT_EQ(first[2].share_spread.within, second[2].share_spread.within);
  EXPECT_EQ(first[2].cost_spread.between, second[2].cost_spread.between);
  EXPECT_NE(first[2].share_spread.within,
            resample(rounds, kShares.size(), 6)[2].share_spread.within);
  EXPECT_NE(derive_seed(1, "a"), derive_seed(1, "b"));
  EXPECT_NE(derive_seed(1, "a"), derive_seed(2, "a"));
}

TEST(Bootstrap, SumsOfCellsHaveNoSpreadWhenTheyAreTheWhole) {
  std::mt19937_64 random(7);
  const auto rounds = simulate({.shares = kShares}, random);
  auto cells = resample(rounds, kShares.size(), 5);
  for (std::size_t i = 1; i < cells.size(); ++i) cells[0].add(cells[i]);
  EXPECT_NEAR(cells[0].share, 1, 1e-12);
  for (const double deviation : deviations(cells[0].share_spread, 2))
    EXPECT_NEAR(deviation, 0, 1e-9);
}

TEST(Bootstrap, EqualArmsAreRarelyCalledDifferent) {
  std::mt19937_64 random(9);
  int flagged = 0;
  constexpr int kTrials = 100;
  const World world{.shares = kShares};
  for (int trial = 0; trial < kTrials; ++trial) {
    const auto before = resample(simulate(world, random), kShares.size(), random());
    const auto after = resample(simulate(world, random), kShares.size(), random());
    std::vector<double> p_values;
    for (std::size_t c = 0; c < kShares.size(); ++c) {
      p_values.push_back(difference(before[c].cost_ns, before[c].cost_spread, after[c].cost_ns,
                                    after[c].cost_spread)
                             .p_value);
    }
    const std::vector<bool> found = false_discovery_control(p_values, 0.05);
    flagged += std::find(found.begin(), found.end(), true) != found.end() ? 1 : 0;
  }
  // 5 % are expected at most; 12 of 100 would come by chance less than once in 200 times.
  EXPECT_LE(flagged, 12);
}

TEST(Bootstrap, ADoubledCostIsFound) {
  std::mt19937_64 random(9);
  World world{.shares = kShares};
  const auto before = resample(simulate(world, random), kShares.size(), 1);
  world.shares[4] *= 2;
  const auto after = resample(simulate(world, random), kShares.size(), 2);
  const Difference found =
      difference(before[4].cost_ns, before[4].cost_spread, after[4].cost_ns, after[4].cost_spread);
  EXPECT_LT(found.p_value, 0.001);
  EXPECT_GT(found.interval.low, 0);
}

TEST(Bootstrap, BlocksGrowWithTheCubeRoot) {
  EXPECT_EQ(block_length(0), 1U);
  EXPECT_EQ(block_length(1), 1U);
  EXPECT_EQ(block_length(27), 3U);
  EXPECT_EQ(block_length(28), 4U);
  EXPECT_EQ(block_length(1'000'000), 100U);
}

TEST(Bootstrap, NothingToResampleIsNoError) {
  EXPECT_TRUE(resample({}, 0, 1).empty());
  const auto cells = resample(std::vector<ResampledRound>{{0, {{0.0}}}}, 1, 1);
  EXPECT_EQ(cells[0].share, 0);
  EXPECT_EQ(cells[0].cost_ns, 0);
}

}  // namespace
}  // namespace vfsprof::reports
