#include "reports/gate/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace vfsprof::reports {
namespace {

/// The odd one of three arms that do not differ is a given one with this probability at most.
constexpr double kOddOneOut = 1.0 / 3;
constexpr double kPower = 0.8;

bool is_amount(double value) { return std::isfinite(value) && value >= 0; }

/// 0 where both are zero, infinite where one is.
double log_of_ratio(double from, double to) { return from == to ? 0 : std::log(to / from); }

template <class F>
std::vector<double> of_each(std::span<const BlockValues> blocks, F value) {
  std::vector<double> values;
  for (const BlockValues& block : blocks) values.push_back(value(block));
  return values;
}

bool has_control(std::span<const BlockValues> blocks) {
  return !blocks.empty() && std::ranges::all_of(blocks, [](const BlockValues& block) {
    return block.control.has_value();
  });
}

/// How far from its limits `after` is, as logarithms: `worse` is above 0 beyond the allowed side,
/// `better` below 0 where it is better by more than as much.
struct Distance {
  double worse;
  double better;
};

Distance distance(const BlockValues& block, const JudgeOptions& options) {
  // Where more is better, the arms change roles: before must not be more than after allows.
  const double from = options.lower_is_better ? block.before : block.after;
  const double to = options.lower_is_better ? block.after : block.before;
  const auto allowed = [&options](double base) {
    return base + std::max(options.limit.relative * base, options.limit.absolute);
  };
  return {.worse = log_of_ratio(allowed(from), to), .better = log_of_ratio(from, allowed(to))};
}

double ways_to_choose(std::size_t n, std::size_t k) {
  double ways = 1;
  for (std::size_t i = 1; i <= k; ++i) {
    ways *= static_cast<double>(n - k + i) / static_cast<double>(i);
  }
  return ways;
}

std::optional<MedianInterval> exponential(std::optional<MedianInterval> logs) {
  if (logs) logs->interval = {std::exp(logs->interval.low), std::exp(logs->interval.high)};
  return logs;
}

/// Every block says the same: no interval is needed.
Judgement judge_exact(std::span<const Distance> distances) {
  const auto all = [&](auto predicate) { return std::ranges::all_of(distances, predicate); };
  if (all([](const Distance& d) { return d.worse > 0; })) return Judgement::kRegressed;
  if (all([](const Distance& d) { return d.better < 0; })) return Judgement::kImproved;
  if (all([](const Distance& d) { return d.worse <= 0 && d.better >= 0; })) {
    return Judgement::kEquivalent;
  }
  return Judgement::kUndecided;
}

/// What two intervals of the same median, seen from either limit, allow to say.
Judgement judge_intervals(const Interval& worse, const Interval& better) {
  if (worse.low > 0) return Judgement::kRegressed;
  if (better.high < 0) return Judgement::kImproved;
  if (worse.high > 0) return Judgement::kUndecided;
  return better.low >= 0 ? Judgement::kEquivalent : Judgement::kNotWorse;
}

/// Whether what a time-like metric shows could be what equal arms show here.
bool is_within_control(const MetricVerdict& verdict) {
  if (verdict.tier != Tier::kTimeLike || !verdict.control_interval) return false;
  const Interval &seen = verdict.interval->interval, &chance = verdict.control_interval->interval;
  return seen.low <= chance.high && seen.high >= chance.low;
}

void fill_figures(std::span<const BlockValues> blocks, double confidence, MetricVerdict& verdict) {
  const auto ratios =
      of_each(blocks, [](const auto& b) { return log_of_ratio(b.before, b.after); });
  verdict.tier = tier_of(blocks);
  verdict.before = median(of_each(blocks, [](const BlockValues& block) { return block.before; }));
  verdict.after = median(of_each(blocks, [](const BlockValues& block) { return block.after; }));
  verdict.ratio = std::exp(median(ratios));
  verdict.interval = exponential(sign_test_interval(ratios, confidence));
  verdict.minimum_detectable_effect = detectable_effect(ratios, confidence);
  if (!has_control(blocks)) return;
  const auto chance = sign_test_interval(
      of_each(blocks, [](const auto& b) { return log_of_ratio(b.before, *b.control); }),
      confidence);
  if (!chance) return;
  verdict.control_failed = chance->interval.low > 0 || chance->interval.high < 0;
  verdict.control_interval = exponential(chance);
}

Judgement judge_blocks(std::span<const BlockValues> blocks, const JudgeOptions& options,
                       const MetricVerdict& figures) {
  std::vector<Distance> distances;
  std::vector<double> worse, better;
  for (const BlockValues& block : blocks) {
    distances.push_back(distance(block, options));
    worse.push_back(distances.back().worse);
    better.push_back(distances.back().better);
  }
  if (figures.tier == Tier::kExact) {
    const Judgement exact = judge_exact(distances);
    if (exact != Judgement::kUndecided) return exact;
  }
  const auto to_worse = sign_test_interval(worse, options.confidence);
  const auto to_better = sign_test_interval(better, options.confidence);
  if (!to_worse) return Judgement::kUndecided;  // of both: they are as many
  const Judgement found = judge_intervals(to_worse->interval, to_better->interval);
  const bool differs = found == Judgement::kRegressed || found == Judgement::kImproved;
  return differs && is_within_control(figures) ? Judgement::kUndecided : found;
}

}  // namespace

double each_confidence(const Family& family) {
  const std::size_t tests = family.metrics * family.comparisons * family.looks;
  return 1 - (1 - family.confidence) / static_cast<double>(std::max<std::size_t>(tests, 1));
}

std::string_view to_string(Tier tier) {
  constexpr std::string_view kNames[]{"exact", "count-like", "time-like"};
  return kNames[static_cast<std::size_t>(tier)];
}

std::string_view to_string(Judgement judgement) {
  constexpr std::string_view kNames[]{"improved", "regressed", "equivalent", "not worse",
                                      "undecided"};
  return kNames[static_cast<std::size_t>(judgement)];
}

std::string_view to_string(GateOutcome outcome) {
  constexpr std::string_view kNames[]{"passed", "regressed", "undecided"};
  return kNames[static_cast<std::size_t>(outcome)];
}

bool passes(Judgement judgement) {
  return judgement != Judgement::kRegressed && judgement != Judgement::kUndecided;
}

Tier tier_of(std::span<const BlockValues> blocks) {
  if (!has_control(blocks)) return Tier::kTimeLike;
  double noise = 0;
  for (const BlockValues& block : blocks) {
    noise = std::max(noise, std::abs(log_of_ratio(block.before, *block.control)));
  }
  if (noise == 0) return Tier::kExact;
  return noise <= std::log1p(kCountLikeNoise) ? Tier::kCountLike : Tier::kTimeLike;
}

MetricVerdict judge_stored(std::span<const double> before, std::span<const double> after,
                           const JudgeOptions& options) {
  MetricVerdict verdict;
  verdict.pairs = std::min(before.size(), after.size());
  if (verdict.pairs == 0) {
    verdict.reason = "there are no values";
    return verdict;
  }
  if (!std::ranges::all_of(before, is_amount) || !std::ranges::all_of(after, is_amount)) {
    verdict.reason = "a value is negative or no number";
    return verdict;
  }
  const auto [least_before, most_before] = std::ranges::minmax(before);
  const auto [least_after, most_after] = std::ranges::minmax(after);
  verdict.before = median(before);
  verdict.after = median(after);
  verdict.ratio = std::exp(log_of_ratio(verdict.before, verdict.after));
  const double noise =
      std::max(log_of_ratio(least_before, most_before), log_of_ratio(least_after, most_after));
  if (noise > std::log1p(kCountLikeNoise)) {
    verdict.reason =
        "its rounds differ by more than 1 % among themselves: compare interleaved builds";
    return verdict;
  }
  verdict.tier = noise == 0 ? Tier::kExact : Tier::kCountLike;
  if (1 / ways_to_choose(before.size() + after.size(), before.size()) > 1 - options.confidence) {
    verdict.reason = "there are too few rounds";
    return verdict;
  }
  // The two pairs that lie furthest from and nearest to each other bound all others.
  const std::array<Distance, 2> distances{distance({least_before, most_after, {}}, options),
                                          distance({most_before, least_after, {}}, options)};
  verdict.judgement = judge_exact(distances);
  if (verdict.judgement == Judgement::kUndecided) verdict.reason = "the rounds overlap the limit";
  return verdict;
}

std::size_t blocks_needed(Tier tier, double confidence) {
  if (tier != Tier::kExact) return values_needed(confidence);
  std::size_t n = 1;
  for (double chance = kOddOneOut; chance > 1 - confidence; chance *= kOddOneOut) ++n;
  return n;
}

MetricVerdict judge_metric(std::span<const BlockValues> blocks, const JudgeOptions& options) {
  MetricVerdict verdict;
  verdict.pairs = blocks.size();
  for (const BlockValues& block : blocks) {
    if (is_amount(block.before) && is_amount(block.after) && is_amount(block.control.value_or(0))) {
      continue;
    }
    verdict.reason = "a value is negative or no number";
    return verdict;
  }
  fill_figures(blocks, options.confidence, verdict);
  if (verdict.control_failed) {
    verdict.reason = "the control arm differs from itself";
    return verdict;
  }
  const std::size_t needed = blocks_needed(verdict.tier, options.confidence);
  if (blocks.size() < needed) {
    verdict.reason = fmt::format("{} blocks are needed, there {} {}", needed,
                                 blocks.size() == 1 ? "is" : "are", blocks.size());
    return verdict;
  }
  verdict.judgement = judge_blocks(blocks, options, verdict);
  if (verdict.judgement == Judgement::kUndecided) {
    verdict.reason = "the interval reaches across the limit";
  }
  return verdict;
}

GateOutcome decide(std::span<const MetricVerdict> verdicts) {
  const auto any = [&](auto predicate) { return std::ranges::any_of(verdicts, predicate); };
  if (verdicts.empty() || any([](const MetricVerdict& v) { return v.control_failed; })) {
    return GateOutcome::kUndecided;
  }
  if (any([](const MetricVerdict& v) { return v.judgement == Judgement::kRegressed; })) {
    return GateOutcome::kRegressed;
  }
  return any([](const MetricVerdict& v) { return !passes(v.judgement); }) ? GateOutcome::kUndecided
                                                                          : GateOutcome::kPassed;
}

std::optional<double> detectable_effect(std::span<const double> log_ratios, double confidence) {
  if (log_ratios.size() < 2) return std::nullopt;
  const double z = normal_quantile((1 + confidence) / 2) + normal_quantile(kPower);
  const double efficiency = std::sqrt(std::numbers::pi / 2);
  const double effect = z * efficiency * standard_deviation(log_ratios) /
                        std::sqrt(static_cast<double>(log_ratios.size()));
  if (!std::isfinite(effect)) return std::nullopt;
  return std::expm1(effect);
}

double normal_quantile(double probability) {
  double low = -40, high = 40;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    const double below = std::erfc(-middle / std::numbers::sqrt2) / 2;
    (below < probability ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace vfsprof::reports
