#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace vfsprof::reports {

/// Both ends belong to it.
struct Interval {
  double low = 0;
  double high = 0;
  friend bool operator==(const Interval&, const Interval&) = default;
};

/// The median; 0 when empty. The mean of the middle two for an even number.
double median(std::span<const double> values);

/// The standard deviation of a sample (n - 1 in the denominator); 0 for fewer than two values.
double standard_deviation(std::span<const double> values);

/// The `quantile` (0 to 1) of sorted values by linear interpolation; `sorted` must not be empty.
double quantile_of_sorted(std::span<const double> sorted, double quantile);

/// An interval on a median, and how sure it is.
struct MedianInterval {
  Interval interval;
  double confidence = 0;  ///< reached exactly; at least what was asked for
};

/// The narrowest pair of symmetric order statistics that covers the median with at least
/// `confidence`: the sign test, turned round. Assumes nothing about the distribution but that the
/// values are independent. Infinite values are fine. Nothing if the values are too few (0.95 needs
/// 6). Source: any text on order statistics, such as David and Nagaraja, "Order Statistics", 7.1.
std::optional<MedianInterval> sign_test_interval(std::span<const double> values, double confidence);

/// The 95 % interval of a share of which `count` of `all` independent samples are seen; `all` is
/// not 0. Source: Wilson (1927).
Interval wilson_interval(std::uint64_t count, std::uint64_t all);

/// How many values `sign_test_interval` needs.
std::size_t values_needed(double confidence);

/// The smallest true effect that `count` pairs whose log-ratios spread by `sigma` would have shown
/// with 80 % power at 5 % significance (planning rule 3.5 sigma / sqrt(n)). In log-ratio; nothing
/// for fewer than two pairs.
std::optional<double> minimum_detectable_effect(std::span<const double> log_ratios);

/// The 97.5 % quantile of Student's t, by which small samples widen an interval; 1.96 for many
/// degrees of freedom.
double student_t_975(std::size_t degrees_of_freedom);

/// A part of a whole in one round; the part is made of independent pieces whose squares add up to
/// `squares`.
struct RoundPart {
  double part = 0;
  double whole = 0;
  double squares = 0;
};

/// The 95 % interval of sum of parts / sum of wholes, clipped to 0 to 1: the wider one of chance in
/// the number and size of the pieces (compound Poisson) and, from two rounds on, of the spread
/// between rounds (variance of a ratio estimator, Cochran, "Sampling Techniques", 2.11, with
/// Student's t). Nothing where the whole is 0.
std::optional<Interval> part_interval(std::span<const RoundPart> rounds);

/// Which of these p-values are significant at false discovery rate `rate`.
/// Source: Benjamini and Hochberg 1995.
std::vector<bool> false_discovery_control(std::span<const double> p_values, double rate);

/// Splits `total` units in proportion to `weights` so that the parts add up exactly: floors first,
/// then one unit more to the largest remainders (the first of equals). All zero where the weights
/// are.
std::vector<std::uint64_t> apportion(std::span<const std::uint64_t> weights, std::uint64_t total);

}  // namespace vfsprof::reports
