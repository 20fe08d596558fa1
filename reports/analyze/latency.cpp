#include "reports/analyze/latency.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "reports/analyze/text.h"

namespace vfsprof::reports {
namespace {

constexpr std::array<std::pair<const char*, double>, 5> kPercentiles{
    {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"p99.99", 0.9999}}};
constexpr double kConfidence = 0.95;

Percentile percentile_of(const std::vector<const Histogram*>& rounds, const Histogram& all,
                         const std::pair<const char*, double>& which) {
  Percentile result{
      .name = which.first, .quantile = which.second, .interval = {}, .unavailable = {}};
  const std::uint64_t needed = values_needed_for(which.second);
  if (all.count() < needed) {
    result.unavailable =
        fmt::format("fewer than {} of {} values lie beyond it: it needs {} values", kFewestBeyond,
                    format_count(all.count()), format_count(needed));
    return result;
  }
  std::vector<double> values;
  for (const Histogram* round : rounds) {
    if (round->count() >= needed) {
      values.push_back(static_cast<double>(round->quantile(which.second)));
    }
  }
  if (values.size() < rounds.size()) {
    result.ns = all.quantile(which.second);
    return result;
  }
  result.ns = static_cast<std::uint64_t>(std::llround(median(values)));
  result.interval = sign_test_interval(values, kConfidence);
  return result;
}

}  // namespace

std::uint64_t values_needed_for(double quantile) {
  return static_cast<std::uint64_t>(
      std::llround(static_cast<double>(kFewestBeyond) / (1 - quantile)));
}

LatencySummary summarise_latency(const std::vector<const Histogram*>& rounds) {
  Histogram all;
  for (const Histogram* round : rounds) all.merge(*round);
  LatencySummary summary{
      .count = all.count(), .mean_ns = all.mean(), .max_ns = all.max(), .percentiles = {}};
  std::uint64_t previous_ns = 0;
  for (const auto& which : kPercentiles) {
    Percentile percentile = percentile_of(rounds, all, which);
    // A median over rounds beside a percentile of all values: never the larger one first.
    percentile.ns = std::min(std::max(percentile.ns, previous_ns), all.max());
    previous_ns = percentile.ns;
    summary.percentiles.push_back(std::move(percentile));
  }
  return summary;
}

}  // namespace vfsprof::reports
