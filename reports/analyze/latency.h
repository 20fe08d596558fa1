#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reports/analyze/statistics.h"
#include "reports/model/histogram.h"

namespace vfsprof::reports {

/// A percentile is given where so many values lie beyond it, else it would be one unlucky value.
inline constexpr std::uint64_t kFewestBeyond = 5;

/// How many values percentile `quantile` (0 to 1) needs.
std::uint64_t values_needed_for(double quantile);

/// One percentile of a latency. The median over the rounds where each round has values enough for
/// it, else of all values together.
struct Percentile {
  std::string name;     ///< "p99.9"
  double quantile = 0;  ///< 0 to 1
  std::uint64_t ns = 0;
  /// Exact, over the rounds; at least six with values enough are needed.
  std::optional<MedianInterval> interval;
  std::string unavailable;  ///< why there is no figure; empty if there is one
};

/// p50, p90, p99, p99.9 and p99.99 of a time.
struct LatencySummary {
  std::uint64_t count = 0;
  double mean_ns = 0;
  std::uint64_t max_ns = 0;
  std::vector<Percentile> percentiles;
};

/// Of the same time in each round.
LatencySummary summarise_latency(const std::vector<const Histogram*>& rounds);

}  // namespace vfsprof::reports
