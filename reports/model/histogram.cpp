#include "reports/model/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace vfsprof::reports {
namespace {

// Values below 2^11 have a bucket each; every further power of two has 2^10 buckets.
constexpr unsigned kLinearBits = 11;
constexpr std::uint64_t kHalf = std::uint64_t{1} << (kLinearBits - 1);

std::size_t index_of(std::uint64_t value) {
  const unsigned width = static_cast<unsigned>(std::bit_width(value));
  if (width <= kLinearBits) return static_cast<std::size_t>(value);
  const unsigned shift = width - kLinearBits;
  return static_cast<std::size_t>(kHalf * shift + (value >> shift));
}

std::uint64_t midpoint_of(std::size_t index) {
  if (index < 2 * kHalf) return index;
  const std::uint64_t shift = index / kHalf - 1;
  const std::uint64_t lowest = (index - kHalf * shift) << shift;
  return lowest + (std::uint64_t{1} << (shift - 1));
}

const std::size_t kBucketLimit = index_of(Histogram::kMaxValue) + 1;

}  // namespace

void Histogram::record(std::uint64_t value, std::uint64_t count) {
  value = std::min(value, kMaxValue);
  const std::size_t index = index_of(value);
  if (index >= counts_.size()) counts_.resize(index + 1);
  counts_[index] += count;
  count_ += count;
  sum_ += value * count;
  max_ = std::max(max_, value);
}

void Histogram::merge(const Histogram& other) {
  if (other.counts_.size() > counts_.size()) counts_.resize(other.counts_.size());
  for (std::size_t i = 0; i < other.counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  max_ = std::max(max_, other.max_);
}

double Histogram::mean() const {
  return count_ == 0 ? 0.0 : static_cast<double>(sum_) / static_cast<double>(count_);
}

std::uint64_t Histogram::quantile(double quantile) const {
  if (count_ == 0) return 0;
  const double wanted = std::ceil(std::clamp(quantile, 0.0, 1.0) * static_cast<double>(count_));
  const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(wanted));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= rank) return std::min(midpoint_of(i), max_);
  }
  return max_;
}

std::vector<Histogram::Bucket> Histogram::buckets() const {
  std::vector<Bucket> result;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] > 0) result.push_back({static_cast<std::uint32_t>(i), counts_[i]});
  }
  return result;
}

bool Histogram::restore(std::span<const Bucket> buckets, std::uint64_t sum, std::uint64_t max) {
  counts_.clear();
  count_ = 0;
  for (const Bucket& bucket : buckets) {
    if (bucket.index >= kBucketLimit) return false;
    if (bucket.index >= counts_.size()) counts_.resize(bucket.index + 1);
    counts_[bucket.index] += bucket.count;
    count_ += bucket.count;
  }
  sum_ = sum;
  max_ = max;
  return true;
}

}  // namespace vfsprof::reports
