#include "reports/analyze/statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace vfsprof::reports {
namespace {

/// P(X <= k) for X binomial with n tries of probability one half.
double binomial_half_cdf(std::size_t n, std::size_t k) {
  const auto log_factorial = [](std::size_t i) { return std::lgamma(static_cast<double>(i) + 1); };
  double sum = 0;
  for (std::size_t i = 0; i <= k; ++i) {
    sum += std::exp(log_factorial(n) - log_factorial(i) - log_factorial(n - i) -
                    static_cast<double>(n) * std::log(2.0));
  }
  return sum;
}

}  // namespace

double median(std::span<const double> values) {
  if (values.empty()) return 0;
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const std::size_t middle = sorted.size() / 2;
  // Not through the mean where both are the same: the mean of two infinities of one sign is fine,
  // but of -inf and inf is not a number.
  if (sorted.size() % 2 == 1 || sorted[middle - 1] == sorted[middle]) return sorted[middle];
  const double mean = (sorted[middle - 1] + sorted[middle]) / 2;
  return std::isnan(mean) ? 0 : mean;
}

double standard_deviation(std::span<const double> values) {
  if (values.size() < 2) return 0;
  const double n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / (n - 1));
}

double quantile_of_sorted(std::span<const double> sorted, double quantile) {
  const double place = std::clamp(quantile, 0.0, 1.0) * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], place - static_cast<double>(below));
}

std::optional<MedianInterval> sign_test_interval(std::span<const double> values,
                                                 double confidence) {
  const std::size_t n = values.size();
  std::optional<MedianInterval> best;
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  // Dropping k values at either end leaves the median outside with probability 2 P(X <= k).
  for (std::size_t dropped = 0; 2 * dropped + 1 < n; ++dropped) {
    const double reached = 1 - 2 * binomial_half_cdf(n, dropped);
    if (reached < confidence) break;
    best = MedianInterval{{sorted[dropped], sorted[n - 1 - dropped]}, reached};
  }
  return best;
}

Interval wilson_interval(std::uint64_t count, std::uint64_t all) {
  const double n = static_cast<double>(all), share = static_cast<double>(count) / n;
  const double z = student_t_975(SIZE_MAX), z2 = z * z;
  const double middle = (share + z2 / (2 * n)) / (1 + z2 / n);
  const double half = z / (1 + z2 / n) * std::sqrt(share * (1 - share) / n + z2 / (4 * n * n));
  return {middle - half, middle + half};
}

std::size_t values_needed(double confidence) {
  std::size_t n = 2;
  while (1 - 2 * binomial_half_cdf(n, 0) < confidence) ++n;
  return n;
}

std::optional<double> minimum_detectable_effect(std::span<const double> log_ratios) {
  if (log_ratios.size() < 2) return std::nullopt;
  const double effect =
      3.5 * standard_deviation(log_ratios) / std::sqrt(static_cast<double>(log_ratios.size()));
  return std::isfinite(effect) ? std::optional(effect) : std::nullopt;
}

double student_t_975(std::size_t degrees_of_freedom) {
  constexpr std::array<double, 15> kTable{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306,
                                          2.262,  2.228, 2.201, 2.179, 2.160, 2.145, 2.131};
  if (degrees_of_freedom == 0) return kTable.front();
  if (degrees_of_freedom <= kTable.size()) return kTable[degrees_of_freedom - 1];
  // Two terms of the expansion in 1/n (Abramowitz and Stegun 26.7.5); within 0.0002 from here on.
  const double z = 1.959964, n = static_cast<double>(degrees_of_freedom);
  const double z3 = z * z * z, z5 = z3 * z * z;
  return z + (z3 + z) / (4 * n) + (5 * z5 + 16 * z3 + 3 * z) / (96 * n * n);
}

std::optional<Interval> part_interval(std::span<const RoundPart> rounds) {
  constexpr double kNormal975 = 1.96;
  double part = 0, whole = 0, squares = 0;
  for (const RoundPart& round : rounds) {
    part += round.part;
    whole += round.whole;
    squares += round.squares;
  }
  if (whole <= 0) return std::nullopt;
  const double share = part / whole;
  double half = kNormal975 * std::sqrt(squares);
  if (rounds.size() > 1) {
    double residuals = 0;
    for (const RoundPart& round : rounds) {
      const double residual = round.part - share * round.whole;
      residuals += residual * residual;
    }
    const auto n = static_cast<double>(rounds.size());
    half = std::max(half, student_t_975(rounds.size() - 1) * std::sqrt(n / (n - 1) * residuals));
  }
  return Interval{std::clamp((part - half) / whole, 0.0, 1.0),
                  std::clamp((part + half) / whole, 0.0, 1.0)};
}

std::vector<bool> false_discovery_control(std::span<const double> p_values, double rate) {
  std::vector<std::size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return p_values[a] < p_values[b]; });
  std::size_t accepted = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const double threshold =
        rate * static_cast<double>(i + 1) / static_cast<double>(p_values.size());
    if (p_values[order[i]] <= threshold) accepted = i + 1;
  }
  std::vector<bool> result(p_values.size(), false);
  for (std::size_t i = 0; i < accepted; ++i) result[order[i]] = true;
  return result;
}

std::vector<std::uint64_t> apportion(std::span<const std::uint64_t> weights, std::uint64_t total) {
  std::vector<std::uint64_t> parts(weights.size(), 0);
  const std::uint64_t sum = std::accumulate(weights.begin(), weights.end(), std::uint64_t{0});
  if (sum == 0) return parts;
  std::vector<std::pair<double, std::size_t>> remainders;
  std::uint64_t given = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const long double exact =
        static_cast<long double>(total) *
        (static_cast<long double>(weights[i]) / static_cast<long double>(sum));
    parts[i] = std::min(static_cast<std::uint64_t>(exact), total - given);
    given += parts[i];
    if (weights[i] > 0) {
      remainders.emplace_back(static_cast<double>(static_cast<long double>(parts[i]) - exact), i);
    }
  }
  std::sort(remainders.begin(), remainders.end());
  for (std::size_t i = 0; given < total; ++i, ++given)
    ++parts[remainders[i % remainders.size()].second];
  return parts;
}

}  // namespace vfsprof::reports
