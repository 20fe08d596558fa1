#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "reports/model/histogram.h"

namespace vfsprof::reports {
namespace {

TEST(Histogram, QuantilesAgreeWithSortingWithinAThousandth) {
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> distribution(11, 2);
  std::vector<std::uint64_t> values;
  Histogram histogram;
  for (int i = 0; i < 20'000; ++i) {
    const auto value =
        std::min(static_cast<std::uint64_t>(distribution(random)), Histogram::kMaxValue);
    values.push_back(value);
    histogram.record(value);
  }
  std::sort(values.begin(), values.end());
  for (const double quantile : {0.0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<std::size_t>(std::max(1.0, std::ceil(quantile * 20'000))) - 1;
    const double exact = static_cast<double>(values[rank]);
    EXPECT_NEAR(static_cast<double>(histogram.quantile(quantile)), exact, 0.001 * exact + 0.5)
        << quantile;
  }
  EXPECT_EQ(histogram.max(), values.back());
  EXPECT_EQ(histogram.count(), 20'000U);
}

TEST(Histogram, SmallValuesAreExact) {
  for (std::uint64_t value = 0; value < 2048; ++value) {
    Histogram histogram;
    histogram.record(value);
    EXPECT_EQ(histogram.quantile(0.5), value);
  }
}

TEST(Histogram, EveryBucketHoldsItsOwnMidpoint) {
  // Neighbouring powers of two are where an index is off by one.
  for (unsigned bit = 10; bit < 40; ++bit) {
    for (const std::uint64_t value : {(std::uint64_t{1} << bit) - 1, std::uint64_t{1} << bit}) {
      Histogram histogram;
      histogram.record(value);
      histogram.record(Histogram::kMaxValue);  // so that the maximum does not cap the quantile
      const std::uint64_t found = histogram.quantile(0.5);
      Histogram again;
      again.record(found);
      EXPECT_EQ(histogram.buckets().front().index, again.buckets().front().index) << value;
    }
  }
}

TEST(Histogram, ValuesAboveTheRangeCountAsItsEnd) {
  Histogram histogram;
  histogram.record(UINT64_MAX);
  EXPECT_EQ(histogram.max(), Histogram::kMaxValue);
  EXPECT_NEAR(static_cast<double>(histogram.quantile(1)), static_cast<double>(Histogram::kMaxValue),
              0.001 * static_cast<double>(Histogram::kMaxValue));
}

TEST(Histogram, MergingIsLikeRecordingIntoOne) {
  std::mt19937_64 random(2);
  Histogram left, right, both;
  for (int i = 0; i < 2'000; ++i) {
    const std::uint64_t value = random() >> (24 + random() % 40);
    (i % 3 == 0 ? left : right).record(value);
    both.record(value);
  }
  left.merge(right);
  EXPECT_EQ(left.buckets(), both.buckets());
  EXPECT_EQ(left.sum(), both.sum());
  EXPECT_EQ(left.max(), both.max());
  EXPECT_EQ(left.count(), both.count());
}

TEST(Histogram, RestoresWhatWasSaved) {
  Histogram histogram;
  for (const std::uint64_t value : {3ULL, 3ULL, 70'000ULL, 1ULL << 39}) histogram.record(value);
  Histogram restored;
  ASSERT_TRUE(restored.restore(histogram.buckets(), histogram.sum(), histogram.max()));
  EXPECT_EQ(restored.buckets(), histogram.buckets());
  EXPECT_EQ(restored.count(), 4U);
  EXPECT_DOUBLE_EQ(restored.mean(), histogram.mean());
  const Histogram::Bucket outside{UINT32_MAX, 1};
  EXPECT_FALSE(restored.restore({&outside, 1}, 0, 0));
}

TEST(Histogram, AnEmptyOneHasNoQuantiles) {
  EXPECT_EQ(Histogram().quantile(0.5), 0U);
  EXPECT_EQ(Histogram().mean(), 0.0);
}

}  // namespace
}  // namespace vfsprof::reports
