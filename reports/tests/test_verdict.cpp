#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <random>
#include <sstream>

#include "reports/gate/verdict.h"

namespace vfsprof::reports {
namespace {

using Blocks = std::vector<BlockValues>;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// The same values in n blocks.
Blocks repeated(std::size_t n, BlockValues values) { return Blocks(n, values); }

/// n blocks of before 100 whose after and control are off by what alternates between two ratios.
Blocks alternating(std::size_t n, double low, double high, double noise) {
  Blocks blocks;
  for (std::size_t i = 0; i < n; ++i) {
    const bool odd = i % 2 == 1;
    blocks.push_back({100, 100 * (odd ? high : low), 100 * (odd ? 1 + noise : 1 - noise)});
  }
  return blocks;
}

Judgement judged(const Blocks& blocks, const JudgeOptions& options = {}) {
  return judge_metric(blocks, options).judgement;
}

TEST(SignTestOracle, AgreesWithExactFractions) {
  std::ifstream file(std::string(VFSPROF_REPORTS_FOLDER) + "/tests/data/sign_test.tsv");
  ASSERT_TRUE(file);
  std::string line;
  std::getline(file, line);  // what the columns are
  std::size_t rows = 0;
  while (std::getline(file, line)) {
    std::istringstream in(line);
    double confidence = 0, reached = 0;
    std::size_t n = 0, rank = 0;
    in >> confidence >> n >> rank >> reached;
    std::vector<double> values;
    for (std::size_t i = 1; i <= n; ++i) values.push_back(static_cast<double>(i));
    const auto found = sign_test_interval(values, confidence);
    ASSERT_EQ(found.has_value(), rank > 0) << line;
    ++rows;
    if (!found) continue;
    EXPECT_EQ(found->interval.low, static_cast<double>(rank)) << line;
    EXPECT_EQ(found->interval.high, static_cast<double>(n + 1 - rank)) << line;
    EXPECT_NEAR(found->confidence, reached, 1e-11) << line;
  }
  EXPECT_EQ(rows, 8U * 59);
}

TEST(NormalQuantile, AgreesWithPublishedTables) {
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-9);
  EXPECT_NEAR(normal_quantile(0.8), 0.8416212335729143, 1e-9);
  EXPECT_NEAR(normal_quantile(0.995), 2.5758293035489004, 1e-9);
  EXPECT_NEAR(normal_quantile(0.5), 0, 1e-9);
}

TEST(Family, SharesWhatMayGoWrong) {
  EXPECT_DOUBLE_EQ(each_confidence({}), 0.95);
  EXPECT_DOUBLE_EQ(each_confidence({.confidence = 0.95, .metrics = 5}), 0.99);
  EXPECT_DOUBLE_EQ(each_confidence({.confidence = 0.95, .comparisons = 5}), 0.99);
  EXPECT_DOUBLE_EQ(each_confidence({.confidence = 0.95, .looks = 5}), 0.99);
  EXPECT_DOUBLE_EQ(
      each_confidence({.confidence = 0.99, .metrics = 4, .comparisons = 2, .looks = 3}),
      1 - 0.01 / 24);
  EXPECT_DOUBLE_EQ(each_confidence({.confidence = 0.9, .metrics = 0}), 0.9);
}

TEST(Tier, IsTheNoiseOfTheControl) {
  EXPECT_EQ(tier_of(repeated(3, {5, 9, 5})), Tier::kExact);
  EXPECT_EQ(tier_of(repeated(3, {0, 9, 0})), Tier::kExact);
  EXPECT_EQ(tier_of(repeated(3, {1000, 9, 1009})), Tier::kCountLike);
  EXPECT_EQ(tier_of(repeated(3, {1009, 9, 1000})), Tier::kCountLike);
  EXPECT_EQ(tier_of(repeated(3, {1000, 9, 1011})), Tier::kTimeLike);
  EXPECT_EQ(tier_of(repeated(3, {0, 9, 1})), Tier::kTimeLike);
  EXPECT_EQ(tier_of(repeated(3, {5, 9, std::nullopt})), Tier::kTimeLike);
  EXPECT_EQ(tier_of({}), Tier::kTimeLike);
  Blocks one_off = repeated(3, {100, 9, 100});
  one_off[1].control = 98.0;
  EXPECT_EQ(tier_of(one_off), Tier::kTimeLike);
  one_off[1].control.reset();
  EXPECT_EQ(tier_of(one_off), Tier::kTimeLike);
}

TEST(Tier, SaysHowManyBlocksItNeeds) {
  EXPECT_EQ(blocks_needed(Tier::kExact, 0.95), 3U);  // 3^-3 is 0.037
  EXPECT_EQ(blocks_needed(Tier::kExact, 0.99), 5U);  // 3^-5 is 0.0041
  EXPECT_EQ(blocks_needed(Tier::kExact, 0.6), 1U);   // 1/3
  EXPECT_EQ(blocks_needed(Tier::kCountLike, 0.95), 6U);
  EXPECT_EQ(blocks_needed(Tier::kTimeLike, 0.99), 8U);
}

TEST(ExactMetric, AnyDifferenceInEveryBlockDecides) {
  EXPECT_EQ(judged(repeated(3, {3, 3, 3})), Judgement::kEquivalent);
  EXPECT_EQ(judged(repeated(3, {3, 3.0001, 3})), Judgement::kRegressed);
  EXPECT_EQ(judged(repeated(3, {3, 2.9999, 3})), Judgement::kImproved);
  EXPECT_EQ(judged(repeated(3, {0, 0, 0})), Judgement::kEquivalent);
  EXPECT_EQ(judged(repeated(3, {0, 0.1, 0})), Judgement::kRegressed);
  EXPECT_EQ(judged(repeated(3, {0.1, 0, 0.1})), Judgement::kImproved);
}

TEST(ExactMetric, TheLimitIsAllowed) {
  EXPECT_EQ(judged(repeated(3, {100, 110, 100}), {.limit = {.relative = 0.1}}),
            Judgement::kEquivalent);
  EXPECT_EQ(judged(repeated(3, {100, 110.1, 100}), {.limit = {.relative = 0.1}}),
            Judgement::kRegressed);
  EXPECT_EQ(judged(repeated(3, {2, 3, 2}), {.limit = {.absolute = 1}}), Judgement::kEquivalent);
  EXPECT_EQ(judged(repeated(3, {2, 3.01, 2}), {.limit = {.absolute = 1}}), Judgement::kRegressed);
  // The larger of both counts.
  EXPECT_EQ(judged(repeated(3, {2, 2.9, 2}), {.limit = {.relative = 0.1, .absolute = 1}}),
            Judgement::kEquivalent);
  EXPECT_EQ(judged(repeated(3, {100, 109, 100}), {.limit = {.relative = 0.1, .absolute = 1}}),
            Judgement::kEquivalent);
}

TEST(ExactMetric, MoreMayBeBetter) {
  const JudgeOptions options{.limit = {.relative = 0.1}, .lower_is_better = false};
  EXPECT_EQ(judged(repeated(3, {100, 50, 100}), options), Judgement::kRegressed);
  EXPECT_EQ(judged(repeated(3, {100, 150, 100}), options), Judgement::kImproved);
  EXPECT_EQ(judged(repeated(3, {100, 95, 100}), options), Judgement::kEquivalent);
}

TEST(ExactMetric, ACandidateThatVariesNeedsTheSignTest) {
  Blocks blocks = repeated(8, {3, 4, 3});
  blocks[7].after = 3;
  const MetricVerdict few = judge_metric(blocks, {});
  EXPECT_EQ(few.tier, Tier::kExact);
  EXPECT_EQ(few.judgement, Judgement::kUndecided);  // rank 1 of 8 is the equal one
  blocks.insert(blocks.end(), 4, {3, 4, 3});
  EXPECT_EQ(judged(blocks), Judgement::kRegressed);  // rank 3 of 12 is not
}

TEST(ExactMetric, TooFewBlocksDecideNothing) {
  const MetricVerdict verdict = judge_metric(repeated(2, {3, 9, 3}), {});
  EXPECT_EQ(verdict.judgement, Judgement::kUndecided);
  EXPECT_EQ(verdict.reason, "3 blocks are needed, there are 2");
  EXPECT_EQ(judge_metric(repeated(1, {3, 9, 3}), {}).reason, "3 blocks are needed, there is 1");
  EXPECT_EQ(judge_metric({}, {}).judgement, Judgement::kUndecided);
}

TEST(NoisyMetric, FollowsTheIntervalAndTheLimit) {
  const JudgeOptions five{.limit = {.relative = 0.05}};
  EXPECT_EQ(judged(alternating(10, 1.10, 1.12, 0.005), five), Judgement::kRegressed);
  EXPECT_EQ(judged(alternating(10, 0.90, 0.92, 0.005), five), Judgement::kImproved);
  EXPECT_EQ(judged(alternating(10, 0.99, 1.02, 0.005), five), Judgement::kEquivalent);
  EXPECT_EQ(judged(alternating(10, 0.90, 1.02, 0.005), five), Judgement::kNotWorse);
  EXPECT_EQ(judged(alternating(10, 0.99, 1.08, 0.005), five), Judgement::kUndecided);
  EXPECT_EQ(judged(alternating(10, 1.04, 1.20, 0.005), five), Judgement::kUndecided);
  EXPECT_EQ(judged(alternating(5, 1.10, 1.12, 0.005), five), Judgement::kUndecided);
}

TEST(NoisyMetric, TimesMustAlsoClearTheControl) {
  // The control swings by 20 % to either side: 10 % is what equal arms show here, 50 % is not.
  const JudgeOptions options{.limit = {.relative = 0.05}};
  EXPECT_EQ(judge_metric(alternating(10, 1.10, 1.12, 0.2), options).tier, Tier::kTimeLike);
  EXPECT_EQ(judged(alternating(10, 1.10, 1.12, 0.2), options), Judgement::kUndecided);
  EXPECT_EQ(judged(alternating(10, 0.88, 0.90, 0.2), options), Judgement::kUndecided);
  EXPECT_EQ(judged(alternating(10, 1.50, 1.52, 0.2), options), Judgement::kRegressed);
  EXPECT_EQ(judged(alternating(10, 0.50, 0.52, 0.2), options), Judgement::kImproved);
  // Sharing an end is not clearing it.
  EXPECT_EQ(judged(alternating(10, 1.20, 1.25, 0.2), options), Judgement::kUndecided);
  EXPECT_EQ(judged(alternating(10, 0.75, 0.80, 0.2), options), Judgement::kUndecided);
  EXPECT_EQ(judged(alternating(10, 0.99, 1.01, 0.2), options), Judgement::kEquivalent);
}

TEST(NoisyMetric, WithoutAControlTheIntervalDecides) {
  Blocks blocks = alternating(10, 1.10, 1.12, 0);
  for (BlockValues& block : blocks) block.control.reset();
  const MetricVerdict verdict = judge_metric(blocks, {.limit = {.relative = 0.05}});
  EXPECT_EQ(verdict.judgement, Judgement::kRegressed);
  EXPECT_FALSE(verdict.control_interval);
}

TEST(NoisyMetric, TheLimitItselfIsAllowed) {
  Blocks at_limit = alternating(10, 1.25, 1.25, 0.005);
  const JudgeOptions quarter{.limit = {.relative = 0.25}};
  EXPECT_EQ(judged(at_limit, quarter), Judgement::kEquivalent);
  for (BlockValues& block : at_limit) {
    const double noise = *block.control / block.before;
    block = {125, 100, 125 * noise};
  }
  EXPECT_EQ(judged(at_limit, quarter), Judgement::kEquivalent);
}

TEST(NoisyMetric, CountsNeedNotClearTheControl) {
  const Blocks blocks = alternating(10, 1.005, 1.006, 0.009);
  EXPECT_EQ(judge_metric(blocks, {}).tier, Tier::kCountLike);
  EXPECT_EQ(judged(blocks), Judgement::kRegressed);
}

TEST(NoisyMetric, OnlyAnUndecidedOneHasAReason) {
  const JudgeOptions five{.limit = {.relative = 0.05}};
  EXPECT_EQ(judge_metric(alternating(10, 0.99, 1.08, 0.005), five).reason,
            "the interval reaches across the limit");
  EXPECT_EQ(judge_metric(alternating(10, 1.10, 1.12, 0.005), five).reason, "");
}

TEST(Tier, WithoutAControlInOneBlockIsTimeLike) {
  Blocks blocks = repeated(3, {0, 9, 0});
  blocks[1] = {0, 9, std::nullopt};
  EXPECT_EQ(tier_of(blocks), Tier::kTimeLike);
}

TEST(Stored, OneBadValueAmongManyIsRefused) {
  std::vector<double> bad(6, 3.0);
  const std::vector<double> good = bad;
  bad[2] = kNan;
  EXPECT_EQ(judge_stored(bad, good, {}).reason, "a value is negative or no number");
  EXPECT_EQ(judge_stored(good, bad, {}).reason, "a value is negative or no number");
  EXPECT_EQ(judge_stored(good, good, {}).reason, "");
}

TEST(Stored, AsManyRoundsAsTheConfidenceAsksForAreEnough) {
  const std::vector<double> one(1, 3.0), three(3, 3.0);  // one order of four
  EXPECT_EQ(judge_stored(one, three, {.confidence = 0.75}).judgement, Judgement::kEquivalent);
}

TEST(Control, ThatFailsLeavesEverythingUndecided) {
  for (const double off : {1.005, 0.995, 1.3, 0.7}) {
    const MetricVerdict verdict = judge_metric(repeated(10, {100, 300, 100 * off}), {});
    EXPECT_TRUE(verdict.control_failed) << off;
    EXPECT_EQ(verdict.judgement, Judgement::kUndecided) << off;
    EXPECT_EQ(verdict.reason, "the control arm differs from itself");
    EXPECT_EQ(decide(std::vector{verdict}), GateOutcome::kUndecided);
  }
  EXPECT_FALSE(judge_metric(repeated(5, {100, 300, 130}), {}).control_failed);  // too few to tell
}

TEST(Figures, AreMediansAndIntervalsOfTheRatio) {
  const Blocks blocks = alternating(10, 1.10, 1.20, 0.02);
  const MetricVerdict verdict = judge_metric(blocks, {});
  EXPECT_EQ(verdict.pairs, 10U);
  EXPECT_DOUBLE_EQ(verdict.before, 100);
  EXPECT_DOUBLE_EQ(verdict.after, 115);
  EXPECT_NEAR(verdict.ratio, std::sqrt(1.1 * 1.2), 1e-12);
  EXPECT_NEAR(verdict.interval->interval.low, 1.10, 1e-12);
  EXPECT_NEAR(verdict.interval->interval.high, 1.20, 1e-12);
  EXPECT_NEAR(verdict.control_interval->interval.low, 0.98, 1e-12);
  EXPECT_NEAR(verdict.control_interval->interval.high, 1.02, 1e-12);
  EXPECT_GT(*verdict.minimum_detectable_effect, 0);
}

TEST(Figures, ThatAreNoAmountsDecideNothing) {
  for (const double bad : {kNan, -1.0, HUGE_VAL}) {
    for (const BlockValues& values :
         {BlockValues{bad, 9, 3}, BlockValues{3, bad, 3}, BlockValues{3, 9, bad}}) {
      Blocks blocks = repeated(10, {3, 9, 3});
      blocks[4] = values;
      const MetricVerdict verdict = judge_metric(blocks, {});
      EXPECT_EQ(verdict.judgement, Judgement::kUndecided);
      EXPECT_EQ(verdict.reason, "a value is negative or no number");
      EXPECT_EQ(verdict.pairs, 10U);
    }
  }
}

TEST(Detectable, IsTheFormulaOfTheSignTest) {
  std::vector<double> logs;
  for (int i = 0; i < 16; ++i) logs.push_back((i % 2 == 0 ? 1 : -1) * 0.03 * std::sqrt(15.0 / 16));
  // (1.95996 + 0.84162) * sqrt(pi / 2) * 0.03 / 4
  EXPECT_NEAR(*detectable_effect(logs, 0.95), std::expm1(0.0263347), 1e-6);
  EXPECT_GT(*detectable_effect(logs, 0.99), *detectable_effect(logs, 0.95));
  EXPECT_FALSE(detectable_effect(std::vector<double>{0.1}, 0.95));
  EXPECT_TRUE(detectable_effect(std::vector<double>{0.1, 0.2}, 0.95));
  EXPECT_FALSE(detectable_effect(std::vector<double>{HUGE_VAL, 0}, 0.95));
}

TEST(Decision, RegressedOutranksUndecidedAndAFailedControlOutranksBoth) {
  const auto verdict = [](Judgement judgement) {
    MetricVerdict result;
    result.judgement = judgement;
    return result;
  };
  MetricVerdict failed = verdict(Judgement::kUndecided);
  failed.control_failed = true;
  using enum Judgement;
  const auto outcome = [](std::vector<MetricVerdict> verdicts) { return decide(verdicts); };
  EXPECT_EQ(outcome({}), GateOutcome::kUndecided);
  EXPECT_EQ(outcome({verdict(kEquivalent), verdict(kImproved), verdict(kNotWorse)}),
            GateOutcome::kPassed);
  EXPECT_EQ(outcome({verdict(kEquivalent), verdict(kUndecided)}), GateOutcome::kUndecided);
  EXPECT_EQ(outcome({verdict(kUndecided), verdict(kRegressed)}), GateOutcome::kRegressed);
  EXPECT_EQ(outcome({verdict(kRegressed), failed}), GateOutcome::kUndecided);
  EXPECT_FALSE(passes(kRegressed));
  EXPECT_FALSE(passes(kUndecided));
}

TEST(Stored, SetsThatDoNotOverlapAreJudged) {
  const std::vector<double> three(6, 3.0), four(6, 4.0);
  EXPECT_EQ(judge_stored(three, three, {}).judgement, Judgement::kEquivalent);
  EXPECT_EQ(judge_stored(three, four, {}).judgement, Judgement::kRegressed);
  EXPECT_EQ(judge_stored(four, three, {}).judgement, Judgement::kImproved);
  EXPECT_EQ(judge_stored(three, four, {}).tier, Tier::kExact);
  EXPECT_EQ(judge_stored(three, four, {.limit = {.absolute = 1}}).judgement,
            Judgement::kEquivalent);
  const MetricVerdict figures = judge_stored(three, four, {});
  EXPECT_EQ(figures.pairs, 6U);
  EXPECT_EQ(figures.before, 3);
  EXPECT_EQ(figures.after, 4);
  EXPECT_NEAR(figures.ratio, 4.0 / 3, 1e-12);
}

TEST(Stored, CountsThatVaryALittleNeedDistance) {
  const std::vector<double> near_100{100, 100.2, 100.4, 100.6, 100.8, 100.9};
  const std::vector<double> overlapping{100.5, 100.7, 100.9, 101, 101.2, 101.3};
  const std::vector<double> beyond{102, 102.2, 102.4, 102.5, 102.7, 102.8};
  EXPECT_EQ(judge_stored(near_100, overlapping, {}).judgement, Judgement::kUndecided);
  EXPECT_EQ(judge_stored(near_100, overlapping, {}).reason, "the rounds overlap the limit");
  EXPECT_EQ(judge_stored(near_100, beyond, {}).judgement, Judgement::kRegressed);
  EXPECT_EQ(judge_stored(beyond, near_100, {}).judgement, Judgement::kImproved);
  EXPECT_EQ(judge_stored(near_100, beyond, {}).tier, Tier::kCountLike);
  EXPECT_EQ(judge_stored(near_100, overlapping, {.limit = {.relative = 0.02}}).judgement,
            Judgement::kEquivalent);
}

TEST(Stored, RefusesNoiseTooFewRoundsAndWhatIsNoNumber) {
  const std::vector<double> three(6, 3.0), noisy{3, 3, 3, 3, 3, 3.1};
  EXPECT_EQ(judge_stored(three, noisy, {}).judgement, Judgement::kUndecided);
  EXPECT_EQ(judge_stored(noisy, three, {}).tier, Tier::kTimeLike);
  EXPECT_EQ(judge_stored(noisy, three, {}).judgement, Judgement::kUndecided);
  // 3 and 3: one order of 20, exactly 5 %; 2 and 3: one of 10.
  const std::vector<double> two(2, 3.0), trio(3, 3.0);
  EXPECT_EQ(judge_stored(trio, trio, {.confidence = 0.9499}).judgement, Judgement::kEquivalent);
  EXPECT_EQ(judge_stored(trio, trio, {.confidence = 0.9501}).reason, "there are too few rounds");
  EXPECT_EQ(judge_stored(two, trio, {.confidence = 0.89}).judgement, Judgement::kEquivalent);
  EXPECT_EQ(judge_stored(two, trio, {.confidence = 0.91}).judgement, Judgement::kUndecided);
  EXPECT_EQ(judge_stored({}, three, {}).reason, "there are no values");
  EXPECT_EQ(judge_stored(three, {}, {}).reason, "there are no values");
  EXPECT_EQ(judge_stored(three, std::vector<double>(6, kNan), {}).judgement, Judgement::kUndecided);
  EXPECT_EQ(judge_stored(std::vector<double>(6, kNan), three, {}).judgement, Judgement::kUndecided);
}

TEST(Names, AreWhatReportsPrint) {
  EXPECT_EQ(to_string(Tier::kExact), "exact");
  EXPECT_EQ(to_string(Tier::kCountLike), "count-like");
  EXPECT_EQ(to_string(Tier::kTimeLike), "time-like");
  EXPECT_EQ(to_string(Judgement::kImproved), "improved");
  EXPECT_EQ(to_string(Judgement::kNotWorse), "not worse");
  EXPECT_EQ(to_string(Judgement::kUndecided), "undecided");
  EXPECT_EQ(to_string(GateOutcome::kPassed), "passed");
  EXPECT_EQ(to_string(GateOutcome::kUndecided), "undecided");
}

// Whatever the noise, as long as the arms of a block can change places: false alarms stay within
// what the confidence allows.
TEST(FalseAlarms, AreRarerThanTheConfidenceAllows) {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> skewed(0, 0.1);
  int alarms = 0;
  constexpr int kTrials = 2'000;
  for (int i = 0; i < kTrials; ++i) {
    Blocks blocks;
    for (int block = 0; block < 10; ++block) {
      blocks.push_back({skewed(random), skewed(random), skewed(random)});
    }
    const Judgement found = judged(blocks);
    alarms += found == Judgement::kRegressed || found == Judgement::kImproved ? 1 : 0;
  }
  EXPECT_LT(alarms, kTrials / 20);
}

}  // namespace
}  // namespace vfsprof::reports
