#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "harness/scenario/random.h"

namespace vfsprof::harness {

/// A distribution of whole numbers, as a table of its quantiles: entry i is the value that a share
/// (i + 0.5) / kEntries lies below. Entries are scaled so that their mean is the distribution's.
/// Immutable.
class QuantileTable {
 public:
  static constexpr std::uint64_t kEntries = 1024;

  struct Weighted {
    std::uint64_t value = 0;
    std::uint64_t weight = 0;
  };
  struct Range {
    std::uint64_t least = 0;
    std::uint64_t most = 0;
  };

  static QuantileTable fixed(std::uint64_t value);
  /// Every number of the range alike.
  static QuantileTable uniform(Range range);
  /// Density of x proportional to x^-theta in the range (which begins above 0).
  static QuantileTable zipf(Range range, double theta);
  /// Source: as filebench's cvar-gamma and its `gamma` option: shape and mean.
  static QuantileTable gamma(double mean, double shape);
  /// Each value as often as its weight says, to 1/1024.
  static QuantileTable weighted(const std::vector<Weighted>& values);

  std::uint64_t at(std::uint64_t entry) const {
    return values_.size() == 1 ? values_[0] : values_[entry % kEntries];
  }
  bool is_fixed() const { return values_.size() == 1; }
  std::uint64_t largest() const;
  double mean() const;

 private:
  explicit QuantileTable(std::vector<std::uint64_t> values) : values_(std::move(values)) {}
  std::vector<std::uint64_t> values_;  ///< one, or kEntries, ascending
};

using Distribution = std::shared_ptr<const QuantileTable>;

/// Entry of a quantile table for the number `index` of a row: any 64 in a row take one of each
/// 64th of the table, in an order and at places that depend on the seed. So even short rows meet
/// the distribution's mean (stratified sampling).
inline std::uint64_t stratified_entry(std::uint64_t seed, std::uint64_t index) {
  constexpr std::uint64_t kStrata = 64;
  constexpr std::uint64_t kPerStratum = QuantileTable::kEntries / kStrata;
  const std::uint64_t key = Random::mix(seed ^ (index / kStrata + 1) * 0x9e3779b97f4a7c15);
  // A bijection of 64 numbers: odd factor, offset, and a shift-xor to hide the stride.
  std::uint64_t stratum = ((index % kStrata) * ((key & 0x3e) | 1) + (key >> 8)) % kStrata;
  stratum ^= stratum >> 3;
  const std::uint64_t within = Random::mix(key + index) % kPerStratum;
  return stratum % kStrata * kPerStratum + within;
}

/// Numbers 0 to n - 1 of which number k is drawn with a probability proportional to (k + 1)^-theta.
/// Exact, without tables. Source: Hoermann, Derflinger: Rejection-inversion to generate variates
/// from monotone discrete distributions, ACM TOMACS 6 (1996).
class ZipfSampler {
 public:
  ZipfSampler(std::uint64_t n, double theta);
  std::uint64_t draw(Random& random) const;
  std::uint64_t n() const { return n_; }

 private:
  double h(double x) const;
  double h_integral(double x) const;
  double h_integral_inverse(double x) const;

  std::uint64_t n_;
  double theta_;
  double h_integral_x1_;
  double h_integral_n_;
  double s_;
};

/// Deals choices out of a shuffled deck in which each has as many cards as its weight: every round
/// through the deck meets the weights exactly.
class Deck {
 public:
  explicit Deck(const std::vector<unsigned>& weights);
  unsigned deal(Random& random);

 private:
  std::vector<unsigned> cards_;
  std::size_t left_ = 0;
};

}  // namespace vfsprof::harness
