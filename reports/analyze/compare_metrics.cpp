#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <string_view>

#include "reports/analyze/arm_profile.h"
#include "reports/analyze/arm_summary.h"
#include "reports/analyze/compare.h"
#include "reports/analyze/control.h"
#include "reports/analyze/events.h"

namespace vfsprof::reports {
namespace {

/// A counter of the daemon that is judged: less of it for the same work is better.
struct JudgedCounter {
  std::string_view counter;
  std::string_view title;
  bool per_byte_written;
};
constexpr std::array<JudgedCounter, 8> kJudgedCounters{{
    {"thread_wakes", "thread wake-ups by hand-off", false},
    {"hand_offs", "hand-offs between threads", false},
    {"bytes_copied", "bytes copied in user space", true},
    {"bytes_zeroed", "bytes zero-filled", true},
    {"bytes_hashed", "key bytes hashed", false},
    {"bytes_flushed", "bytes written to the disk cache", true},
    {"cache_syncs", "fsync calls on the disk cache", false},
    {"fuse_requests", "FUSE requests", false},
}};

double ratio_of(double amount, std::uint64_t count) { return amount / static_cast<double>(count); }

std::optional<double> latency(const Round& round, const std::string& kind, double quantile) {
  Histogram times;
  for (const OperationStats& stats : round.operations) {
    if (stats.kind == kind) times.merge(stats.service_time_ns);
  }
  if (times.count() == 0) return std::nullopt;
  return static_cast<double>(times.quantile(quantile));
}

Metric counter_metric(const JudgedCounter& judged) {
  return {std::string(judged.counter), std::string(judged.title),
          judged.per_byte_written ? "per byte written" : "per operation", true,
          [judged](const Round& round) -> std::optional<double> {
            const auto value = counter_of(round, judged.counter);
            const std::uint64_t base =
                judged.per_byte_written ? bytes_written(round) : operations_of(round);
            if (!value || base == 0) return std::nullopt;
            return ratio_of(static_cast<double>(*value), base);
          }};
}

}  // namespace

std::vector<Metric> metrics(const std::string& main_kind) {
  std::vector<Metric> result{
      {"cpu_ns_per_operation", "CPU time of the observed process", "ns per operation", true,
       [](const Round& round) -> std::optional<double> {
         if (round.process_cpu_ns == 0) return std::nullopt;
         return ratio_of(static_cast<double>(round.process_cpu_ns), operations_of(round));
       }},
      {"operations_per_second", "throughput", "operations per second", false,
       [](const Round& round) -> std::optional<double> {
         if (round.elapsed_ns == 0) return std::nullopt;
         return 1e9 * ratio_of(static_cast<double>(operations_of(round)), round.elapsed_ns);
       }}};
  for (const auto& [id, quantile] : {std::pair{"p50", 0.5}, std::pair{"p99", 0.99}}) {
    result.push_back({fmt::format("{}_{}_ns", main_kind, id),
                      fmt::format("{} latency, {}", main_kind, id), "ns", true,
                      [main_kind, quantile](const Round& round) {
                        return latency(round, main_kind, quantile);
                      }});
  }
  result.push_back({"context_switches_per_operation", "context switches of the observed process",
                    "per operation", true, [](const Round& round) -> std::optional<double> {
                      if (round.threads.empty()) return std::nullopt;
                      return ratio_of(static_cast<double>(switches_of(round)),
                                      operations_of(round));
                    }});
  for (const JudgedCounter& judged : kJudgedCounters) result.push_back(counter_metric(judged));
  return result;
}

double log_ratio(double before, double after) {
  if (before == after) return 0;  // both may be zero
  if (before <= 0) return HUGE_VAL;
  if (after <= 0) return -HUGE_VAL;
  return std::log(after / before);
}

std::string main_kind(const RunResult& result) {
  std::map<std::string, std::uint64_t> counts;
  for (const Round& round : result.rounds) {
    for (const OperationStats& stats : round.operations) counts[stats.kind] += stats.count;
  }
  const auto most =
      std::max_element(counts.begin(), counts.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == counts.end() ? "" : most->first;
}

MetricComparison judge(const VerdictInput& input) {
  MetricComparison result;
  result.lower_is_better = input.lower_is_better;
  result.pairs = input.log_ratios.size();
  result.ratio = std::exp(median(input.log_ratios));
  result.minimum_detectable_effect = minimum_detectable_effect(input.log_ratios);
  result.interval = sign_test_interval(input.log_ratios, input.confidence);
  if (!result.interval) {
    result.note = fmt::format("{} pairs are needed, there {} {}", values_needed(input.confidence),
                              result.pairs == 1 ? "is" : "are", result.pairs);
    return result;
  }
  Interval& interval = result.interval->interval;
  interval = {std::exp(interval.low), std::exp(interval.high)};
  if (interval.low >= 1 - input.equivalence_margin &&
      interval.high <= 1 + input.equivalence_margin) {
    result.verdict = Verdict::kEquivalent;
  } else if (interval.high < 1) {
    result.verdict = input.lower_is_better ? Verdict::kImproved : Verdict::kRegressed;
  } else if (interval.low > 1) {
    result.verdict = input.lower_is_better ? Verdict::kRegressed : Verdict::kImproved;
  }
  return result;
}

RoundPairs pair_by_block(const std::vector<const Round*>& before,
                         const std::vector<const Round*>& after) {
  std::map<std::uint32_t, const Round*> by_block;
  for (const Round* round : before) by_block.emplace(round->block, round);
  RoundPairs pairs;
  for (const Round* round : after) {
    const auto found = by_block.find(round->block);
    if (found == by_block.end()) continue;
    pairs.emplace_back(found->second, round);
    by_block.erase(found);
  }
  return pairs;
}

std::vector<MetricComparison> compare_pairs(const RoundPairs& pairs, const std::string& main_kind,
                                            double equivalence_margin, double deciding_confidence) {
  std::vector<MetricComparison> comparisons;
  for (const Metric& metric : metrics(main_kind)) {
    std::vector<double> before_values, after_values, log_ratios;
    for (const auto& [first, second] : pairs) {
      const auto a = metric.value(*first), b = metric.value(*second);
      if (!a || !b) continue;
      before_values.push_back(*a);
      after_values.push_back(*b);
      log_ratios.push_back(log_ratio(*a, *b));
    }
    const bool decides = comparisons.empty();
    const auto is_zero = [](double value) { return value == 0; };
    const bool never_seen = std::all_of(before_values.begin(), before_values.end(), is_zero) &&
                            std::all_of(after_values.begin(), after_values.end(), is_zero);
    if (never_seen && !decides) continue;
    MetricComparison comparison = judge({log_ratios, equivalence_margin, metric.lower_is_better,
                                         decides ? deciding_confidence : kConfidence});
    comparison.id = metric.id;
    comparison.title = metric.title;
    comparison.unit = metric.unit;
    comparison.decides = decides;
    comparison.before = median(before_values);
    comparison.after = median(after_values);
    comparisons.push_back(std::move(comparison));
  }
  return comparisons;
}

namespace {

/// Nothing for an event that was not counted in both arms.
std::optional<MetricComparison> compare_event(const RoundPairs& pairs, const std::string& name,
                                              double equivalence_margin) {
  std::vector<double> before, after, log_ratios;
  for (const auto& [first, second] : pairs) {
    const auto a = event_count(*first, name), b = event_count(*second, name);
    if (!a || !b || operations_of(*first) == 0 || operations_of(*second) == 0) continue;
    before.push_back(ratio_of(*a, operations_of(*first)));
    after.push_back(ratio_of(*b, operations_of(*second)));
    log_ratios.push_back(log_ratio(before.back(), after.back()));
  }
  if (log_ratios.empty()) return std::nullopt;
  MetricComparison metric = judge({log_ratios, equivalence_margin, true});
  metric.id = "event_" + name;
  metric.title = name + ", counted";
  metric.unit = "per operation";
  metric.before = median(before);
  metric.after = median(after);
  return metric;
}

}  // namespace

std::vector<MetricComparison> compare_metrics(const RunResult& result, std::size_t before,
                                              std::size_t after) {
  const ArmRounds first = rounds_of(result, before), second = rounds_of(result, after);
  std::vector<MetricComparison> metrics =
      compare_pairs(pair_by_block(first.timing, second.timing), main_kind(result),
                    result.equivalence_margin, deciding_confidence(result));
  for (const CountedEvent& event :
       first.counting.empty() ? std::vector<CountedEvent>{} : first.counting.front()->events) {
    const auto pairs = pair_by_block(first.counting, second.counting);
    if (auto metric = compare_event(pairs, event.name, result.equivalence_margin)) {
      metrics.push_back(std::move(*metric));
    }
  }
  return metrics;
}

}  // namespace vfsprof::reports
