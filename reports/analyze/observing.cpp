#include "reports/analyze/observing.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "reports/analyze/arm_profile.h"
#include "reports/analyze/arm_summary.h"

namespace vfsprof::reports {
namespace {

constexpr double kConfidence = 0.95;

/// Operations, or seconds where nobody counted them.
double base_of(const Round& round) {
  return round.counts_operations ? static_cast<double>(operations_of(round))
                                 : static_cast<double>(round.elapsed_ns) / 1e9;
}

bool is_measured(const Round& round) { return round.process_cpu_ns > 0 && base_of(round) > 0; }

double cpu_of(const Round& round) {
  return static_cast<double>(round.process_cpu_ns) / base_of(round);
}

/// Positions are those in RunResult::rounds, which are in the order in which the rounds ran.
std::size_t distance(const Round* first, const Round* second) {
  return static_cast<std::size_t>(std::abs(first - second));
}

std::vector<std::pair<const Round*, const Round*>> nearest_pairs(
    const std::vector<const Round*>& off, const std::vector<const Round*>& on) {
  struct Candidate {
    std::size_t distance;
    const Round* off;
    const Round* on;
  };
  std::vector<Candidate> candidates;
  for (const Round* a : off) {
    for (const Round* b : on) {
      if (is_measured(*a) && is_measured(*b)) candidates.push_back({distance(a, b), a, b});
    }
  }
  std::ranges::stable_sort(candidates, {}, &Candidate::distance);
  std::set<const Round*> taken;
  std::vector<std::pair<const Round*, const Round*>> pairs;
  for (const auto& [apart, a, b] : candidates) {
    if (taken.contains(a) || taken.contains(b)) continue;
    taken.insert({a, b});
    pairs.emplace_back(a, b);
  }
  return pairs;
}

ObserverCost cost_of(RoundKind kind, const std::vector<const Round*>& off,
                     const std::vector<const Round*>& on) {
  ObserverCost cost;
  cost.kind = kind;
  cost.per_operation = on.front()->counts_operations;
  std::vector<double> off_ns, on_ns, log_ratios;
  for (const auto& [first, second] : nearest_pairs(off, on)) {
    off_ns.push_back(cpu_of(*first));
    on_ns.push_back(cpu_of(*second));
    log_ratios.push_back(std::log(on_ns.back() / off_ns.back()));
  }
  cost.pairs = log_ratios.size();
  cost.off_ns = median(off_ns);
  cost.on_ns = median(on_ns);
  cost.ratio = std::exp(median(log_ratios));
  cost.interval = sign_test_interval(log_ratios, kConfidence);
  if (cost.interval) {
    Interval& interval = cost.interval->interval;
    interval = {std::exp(interval.low), std::exp(interval.high)};
  } else {
    cost.pairs_missing = values_needed(kConfidence) - cost.pairs;
  }
  double collector_ns = 0, base = 0;
  for (const Round* round : on) {
    collector_ns += static_cast<double>(round->collector_cpu_ns);
    base += base_of(*round);
  }
  cost.collector_ns = base > 0 ? collector_ns / base : 0;
  return cost;
}

}  // namespace

std::vector<ObserverCost> observing_costs(const RunResult& result, std::size_t arm) {
  const ArmRounds rounds = rounds_of(result, arm);
  std::vector<ObserverCost> costs;
  // An imported recording has no round without an observer, and says nothing about its cost.
  if (rounds.timing.empty()) return costs;
  for (const auto& [kind, on] : {std::pair{RoundKind::kProfiling, &rounds.profiling},
                                 std::pair{RoundKind::kTracing, &rounds.tracing},
                                 std::pair{RoundKind::kCounting, &rounds.counting}}) {
    if (!on->empty()) costs.push_back(cost_of(kind, rounds.timing, *on));
  }
  return costs;
}

}  // namespace vfsprof::reports
