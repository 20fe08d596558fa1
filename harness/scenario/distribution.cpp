#include "harness/scenario/distribution.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "vfs/base/check.h"

namespace vfsprof::harness {
namespace {

/// Regularised lower incomplete gamma function P(shape, x), by its series.
double gamma_probability(double shape, double x) {
  if (x <= 0) return 0;
  double term = 1 / shape;
  double sum = term;
  for (int n = 1; n < 10'000 && term > sum * 1e-15; ++n) {
    term *= x / (shape + n);
    sum += term;
  }
  return std::min(1.0, sum * std::exp(-x + shape * std::log(x) - std::lgamma(shape)));
}

/// The x below which a share `probability` of a gamma distribution of scale 1 lies.
double gamma_quantile(double shape, double probability) {
  double low = 0;
  double high = shape + 40 * std::sqrt(shape) + 40;
  for (int i = 0; i < 80; ++i) {
    const double middle = (low + high) / 2;
    (gamma_probability(shape, middle) < probability ? low : high) = middle;
  }
  return (low + high) / 2;
}

double middle_of(std::uint64_t entry) {
  return (static_cast<double>(entry) + 0.5) / static_cast<double>(QuantileTable::kEntries);
}

std::uint64_t rounded(double value) {
  return static_cast<std::uint64_t>(std::llround(std::max(1.0, value)));
}

}  // namespace

QuantileTable QuantileTable::fixed(std::uint64_t value) { return QuantileTable({value}); }

QuantileTable QuantileTable::uniform(Range range) {
  std::vector<std::uint64_t> values(kEntries);
  const auto width = static_cast<double>(range.most - range.least) + 1;
  for (std::uint64_t i = 0; i < kEntries; ++i) {
    values[i] = range.least + static_cast<std::uint64_t>(width * middle_of(i));
  }
  return QuantileTable(std::move(values));
}

QuantileTable QuantileTable::zipf(Range range, double theta) {
  std::vector<std::uint64_t> values(kEntries);
  const auto least = static_cast<double>(range.least);
  const auto most = static_cast<double>(range.most);
  const double power = 1 - theta;
  for (std::uint64_t i = 0; i < kEntries; ++i) {
    const double u = middle_of(i);
    const double value = std::abs(power) < 1e-9
                             ? least * std::pow(most / least, u)
                             : std::pow(std::pow(least, power) +
                                            u * (std::pow(most, power) - std::pow(least, power)),
                                        1 / power);
    values[i] = std::clamp(rounded(value), range.least, range.most);
  }
  return QuantileTable(std::move(values));
}

QuantileTable QuantileTable::gamma(double mean, double shape) {
  std::vector<double> quantiles(kEntries);
  for (std::uint64_t i = 0; i < kEntries; ++i) quantiles[i] = gamma_quantile(shape, middle_of(i));
  // The middles of 1024 slices miss part of the long tail: scale the mean back.
  const double scale = mean * static_cast<double>(kEntries) /
                       std::accumulate(quantiles.begin(), quantiles.end(), 0.0);
  std::vector<std::uint64_t> values(kEntries);
  std::ranges::transform(quantiles, values.begin(), [&](double q) { return rounded(q * scale); });
  return QuantileTable(std::move(values));
}

QuantileTable QuantileTable::weighted(const std::vector<Weighted>& list) {
  std::vector<Weighted> sorted = list;
  std::ranges::sort(sorted, {}, &Weighted::value);
  double total = 0;
  for (const Weighted& item : sorted) total += static_cast<double>(item.weight);
  std::vector<std::uint64_t> values(kEntries);
  std::size_t item = 0;
  double below = static_cast<double>(sorted[0].weight);
  for (std::uint64_t i = 0; i < kEntries; ++i) {
    while (item + 1 < sorted.size() && middle_of(i) * total >= below) {
      below += static_cast<double>(sorted[++item].weight);
    }
    values[i] = sorted[item].value;
  }
  return QuantileTable(std::move(values));
}

std::uint64_t QuantileTable::largest() const { return values_.back(); }

double QuantileTable::mean() const {
  double sum = 0;
  for (const std::uint64_t value : values_) sum += static_cast<double>(value);
  return sum / static_cast<double>(values_.size());
}

ZipfSampler::ZipfSampler(std::uint64_t n, double theta)
    : n_(n),
      theta_(theta),
      h_integral_x1_(h_integral(1.5) - 1),
      h_integral_n_(h_integral(static_cast<double>(n) + 0.5)),
      s_(2 - h_integral_inverse(h_integral(2.5) - h(2))) {}

double ZipfSampler::h(double x) const { return std::exp(-theta_ * std::log(x)); }

double ZipfSampler::h_integral(double x) const {
  const double log_x = std::log(x);
  const double t = (1 - theta_) * log_x;
  return (std::abs(t) > 1e-8 ? std::expm1(t) / t : 1 + t / 2) * log_x;
}

double ZipfSampler::h_integral_inverse(double x) const {
  const double t = std::max(-1.0, x * (1 - theta_));
  return std::exp((std::abs(t) > 1e-8 ? std::log1p(t) / t : 1 - t / 2) * x);
}

std::uint64_t ZipfSampler::draw(Random& random) const {
  while (true) {
    const double share = static_cast<double>(random.next() >> 11) * 0x1p-53;
    const double u = h_integral_n_ + share * (h_integral_x1_ - h_integral_n_);
    const double x = h_integral_inverse(u);
    const double k = std::clamp(std::floor(x + 0.5), 1.0, static_cast<double>(n_));
    if (k - x <= s_ || u >= h_integral(k + 0.5) - h(k)) {
      return static_cast<std::uint64_t>(k) - 1;
    }
  }
}

Deck::Deck(const std::vector<unsigned>& weights) {
  unsigned divisor = 0;
  for (const unsigned weight : weights) divisor = std::gcd(divisor, weight);
  VFSPROF_CHECK(divisor > 0);
  for (unsigned choice = 0; choice < weights.size(); ++choice) {
    cards_.insert(cards_.end(), weights[choice] / divisor, choice);
  }
}

unsigned Deck::deal(Random& random) {
  if (left_ == 0) left_ = cards_.size();
  std::swap(cards_[random.below(left_)], cards_[left_ - 1]);
  return cards_[--left_];
}

}  // namespace vfsprof::harness
