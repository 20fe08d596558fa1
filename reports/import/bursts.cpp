#include "reports/import/bursts.h"

#include <algorithm>

namespace vfsprof::reports {
namespace {

/// Samples without an idle gap between them.
std::vector<Burst> find_runs(std::span<const std::uint64_t> times, std::uint64_t threshold_ns) {
  std::vector<Burst> runs;
  for (const std::uint64_t time : times) {
    if (runs.empty() || time - runs.back().last_ns > threshold_ns) runs.push_back({time, time});
    Burst& run = runs.back();
    run.last_ns = time;
    run.active_ns = time - run.first_ns;
    ++run.samples;
  }
  return runs;
}

}  // namespace

std::uint64_t median_gap(std::span<const std::uint64_t> sorted) {
  std::vector<std::uint64_t> gaps;
  for (std::size_t i = 1; i < sorted.size(); ++i) gaps.push_back(sorted[i] - sorted[i - 1]);
  if (gaps.empty()) return 0;
  const auto middle = gaps.begin() + static_cast<std::ptrdiff_t>(gaps.size() / 2);
  std::ranges::nth_element(gaps, middle);
  return *middle;
}

BurstCut find_bursts(std::span<const std::uint64_t> sorted_times_ns) {
  BurstCut cut;
  cut.threshold_ns = std::max(kShortestIdleNs, kIdleGaps * median_gap(sorted_times_ns));
  const std::vector<Burst> runs = find_runs(sorted_times_ns, cut.threshold_ns);
  std::size_t early = 0;  // samples before the first burst: they join it
  for (const Burst& run : runs) {
    if (run.samples >= kFewestInBurst) {
      cut.bursts.push_back(run);
      cut.bursts.back().samples += early;
      early = 0;
    } else if (cut.bursts.empty()) {
      early += run.samples;
    } else {
      cut.bursts.back().samples += run.samples;
    }
  }
  // Nothing but short runs: they are one burst.
  if (cut.bursts.empty() && !runs.empty()) cut.bursts = merge_bursts(runs, 1);
  return cut;
}

std::vector<Burst> merge_bursts(const std::vector<Burst>& bursts, std::size_t most) {
  const std::size_t group = (bursts.size() + most - 1) / most;
  std::vector<Burst> result;
  for (std::size_t i = 0; i < bursts.size(); ++i) {
    if (i % group == 0) {
      result.push_back(bursts[i]);
      continue;
    }
    Burst& merged = result.back();
    merged.last_ns = bursts[i].last_ns;
    merged.active_ns += bursts[i].active_ns;
    merged.samples += bursts[i].samples;
  }
  return result;
}

}  // namespace vfsprof::reports
