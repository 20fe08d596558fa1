#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>

#include "reports/analyze/statistics.h"
#include "reports/analyze/text.h"

namespace vfsprof::reports {
namespace {

std::vector<double> one_to(std::size_t n) {
  std::vector<double> values(n);
  std::iota(values.begin(), values.end(), 1.0);
  return values;
}

TEST(SignTest, RanksAndConfidencesAreThoseOfTheBinomialTables) {
  // n, rank of the lower end, confidence reached: from sums of binomial coefficients, exact
  // fractions of 2^n.
  struct Row {
    std::size_t n, rank;
    double confidence;
  };
  for (const Row& row : {Row{6, 1, 62.0 / 64}, Row{8, 1, 254.0 / 256}, Row{9, 2, 492.0 / 512},
                         Row{10, 2, 1002.0 / 1024}, Row{12, 3, 3938.0 / 4096},
                         Row{15, 4, 31616.0 / 32768}, Row{20, 6, 0.9586105346679688},
                         Row{30, 10, 0.9572260547429323}, Row{50, 18, 0.9671608624357315}}) {
    const auto found = sign_test_interval(one_to(row.n), 0.95);
    ASSERT_TRUE(found) << row.n;
    EXPECT_EQ(found->interval.low, static_cast<double>(row.rank)) << row.n;
    EXPECT_EQ(found->interval.high, static_cast<double>(row.n + 1 - row.rank)) << row.n;
    EXPECT_NEAR(found->confidence, row.confidence, 1e-9) << row.n;
  }
}

TEST(SignTest, GivesNoIntervalFromTooFewValues) {
  EXPECT_EQ(values_needed(0.95), 6U);
  EXPECT_EQ(values_needed(0.99), 8U);
  for (std::size_t n = 0; n < 6; ++n) EXPECT_FALSE(sign_test_interval(one_to(n), 0.95)) << n;
}

TEST(SignTest, CoversTheMedianOfASkewedDistribution) {
  std::mt19937_64 random(5);
  std::exponential_distribution<double> distribution(1);
  int covered = 0;
  constexpr int kTrials = 4'000;
  for (int i = 0; i < kTrials; ++i) {
    std::vector<double> values(12);
    for (double& value : values) value = distribution(random);
    const Interval interval = sign_test_interval(values, 0.95)->interval;
    covered += interval.low <= std::log(2.0) && std::log(2.0) <= interval.high ? 1 : 0;
  }
  // 96.14 % exactly; four standard deviations of 4000 trials are 1.2 %.
  EXPECT_NEAR(static_cast<double>(covered) / kTrials, 3938.0 / 4096, 0.0125);
}

TEST(SignTest, TakesInfinities) {
  const auto found = sign_test_interval(std::vector<double>(6, -HUGE_VAL), 0.95);
  EXPECT_EQ(std::exp(found->interval.high), 0.0);
  EXPECT_EQ(median(std::vector<double>(6, -HUGE_VAL)), -HUGE_VAL);
}

TEST(Statistics, WilsonIntervalsAreThoseOfNewcombe) {
  // Statistics in Medicine 17 (1998), table I: score method without continuity correction.
  const auto expect = [](std::uint64_t count, std::uint64_t all, double low, double high) {
    const Interval interval = wilson_interval(count, all);
    EXPECT_NEAR(interval.low, low, 0.00005);
    EXPECT_NEAR(interval.high, high, 0.00005);
  };
  expect(81, 263, 0.2553, 0.3662);
  expect(15, 148, 0.0624, 0.1605);
  expect(0, 20, 0, 0.1611);
  expect(1, 29, 0.0061, 0.1718);
}

TEST(Statistics, MedianAndDeviationByHand) {
  EXPECT_EQ(median(std::vector<double>{}), 0);
  EXPECT_EQ(median(std::vector<double>{3, 1, 2}), 2);
  EXPECT_EQ(median(std::vector<double>{4, 1, 2, 3}), 2.5);
  EXPECT_NEAR(standard_deviation(std::vector<double>{2, 4, 4, 4, 5, 5, 7, 9}), std::sqrt(32.0 / 7),
              1e-12);
  EXPECT_EQ(standard_deviation(std::vector<double>{1}), 0);
}

TEST(Statistics, MinimumDetectableEffectFollowsThePlanningRule) {
  // Deviation 0.03 and n = 16: 3.5 * 0.03 / 4.
  std::vector<double> ratios;
  for (int i = 0; i < 16; ++i)
    ratios.push_back((i % 2 == 0 ? 1 : -1) * 0.03 * std::sqrt(15.0 / 16));
  EXPECT_NEAR(*minimum_detectable_effect(ratios), 0.02625, 1e-12);
  EXPECT_FALSE(minimum_detectable_effect(std::vector<double>{0.1}));
  EXPECT_FALSE(minimum_detectable_effect(std::vector<double>{0.1, HUGE_VAL}));
}

TEST(Statistics, StudentQuantilesAreThoseOfTheTables) {
  EXPECT_NEAR(student_t_975(1), 12.706, 0.001);
  EXPECT_NEAR(student_t_975(4), 2.776, 0.001);
  EXPECT_NEAR(student_t_975(16), 2.120, 0.001);
  EXPECT_NEAR(student_t_975(20), 2.086, 0.001);
  EXPECT_NEAR(student_t_975(60), 2.000, 0.001);
  EXPECT_NEAR(student_t_975(SIZE_MAX), 1.960, 0.001);
}

TEST(Statistics, FalseDiscoveryControlAgreesWithBenjaminiAndHochbergsExample) {
  // The fifteen p-values of their 1995 paper, section 3.2: four are rejected at 0.05.
  const std::vector<double> p{0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
                              0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000};
  const std::vector<bool> found = false_discovery_control(p, 0.05);
  for (std::size_t i = 0; i < p.size(); ++i) EXPECT_EQ(found[i], i < 4) << i;
}

TEST(Apportion, PartsAlwaysAddUpAndAreNeverOffByOne) {
  std::mt19937_64 random(11);
  for (int trial = 0; trial < 2'000; ++trial) {
    std::vector<std::uint64_t> weights(1 + random() % 40);
    for (auto& weight : weights) weight = random() % 4 == 0 ? 0 : random() >> (random() % 50 + 10);
    const std::uint64_t total = random() % 20'000;
    const std::uint64_t sum = std::accumulate(weights.begin(), weights.end(), std::uint64_t{0});
    const std::vector<std::uint64_t> parts = apportion(weights, total);
    EXPECT_EQ(std::accumulate(parts.begin(), parts.end(), std::uint64_t{0}), sum == 0 ? 0 : total);
    for (std::size_t i = 0; i < weights.size() && sum > 0; ++i) {
      const double exact =
          static_cast<double>(total) * (static_cast<double>(weights[i]) / static_cast<double>(sum));
      EXPECT_LT(std::abs(static_cast<double>(parts[i]) - exact), 1 + 1e-6);
      if (weights[i] == 0) {
        EXPECT_EQ(parts[i], 0U);
      }
    }
  }
}

TEST(Apportion, GivesTheRestToTheLargestRemainders) {
  EXPECT_EQ(apportion(std::vector<std::uint64_t>{1, 1, 1}, 10'000),
            (std::vector<std::uint64_t>{3334, 3333, 3333}));
  EXPECT_EQ(apportion(std::vector<std::uint64_t>{3, 2, 1}, 4),
            (std::vector<std::uint64_t>{2, 1, 1}));
}

TEST(Text, FiguresReadAsPeopleWriteThem) {
  EXPECT_EQ(format_duration(0), "0 ns");
  EXPECT_EQ(format_duration(0.25), "0.2 ns");
  EXPECT_EQ(format_duration(840), "840 ns");
  EXPECT_EQ(format_duration(999.7), "1.00 µs");
  EXPECT_EQ(format_duration(41'632), "41.6 µs");
  EXPECT_EQ(format_duration(-1'250), "-1.25 µs");
  EXPECT_EQ(format_duration(1.25e9), "1.25 s");
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1'234'567), "1,234,567");
  EXPECT_EQ(format_number(2.983), "2.98");
  EXPECT_EQ(format_number(0.03125), "0.0312");
  EXPECT_EQ(format_number(12'345.6), "12,346");
  EXPECT_EQ(format_share(0.1715), "17.15 %");
  EXPECT_EQ(format_printed_share(1705), "17.05 %");
  EXPECT_EQ(format_signed(-3.828, 2), "-3.83");
  EXPECT_EQ(format_signed(-0.004, 2), "0.00");
  EXPECT_EQ(format_change(0.818), "-18.2 %");
  EXPECT_EQ(format_change(0), "to zero");
  EXPECT_EQ(format_change(HUGE_VAL), "from zero");
  EXPECT_EQ(code("a`b\nc"), "`a'b c`");
  EXPECT_EQ(join_words(std::vector<std::string>{"a", "b", "c"}), "a, b and c");
}

}  // namespace
}  // namespace vfsprof::reports
