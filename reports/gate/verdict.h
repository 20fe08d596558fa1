#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reports/analyze/statistics.h"

namespace vfsprof::reports {

// What a comparison with a control arm may conclude from its numbers. Pure functions of numbers;
// who calls them takes the numbers from rounds (gate/evaluate.h).

/// How sure all verdicts of an experiment are together, and among how many tests that is shared.
struct Family {
  double confidence = 0.95;
  std::size_t metrics = 1;      ///< judged metrics
  std::size_t comparisons = 1;  ///< of arms with the first one, the control among them
  std::size_t looks = 1;        ///< at the growing data, planned beforehand
};

/// How sure each single test must be so that all together are as sure as the family says, whatever
/// depends on what (Bonferroni).
double each_confidence(const Family& family);

/// A metric in one block: the arms ran in it in turn.
struct BlockValues {
  double before = 0;
  double after = 0;
  std::optional<double> control;  ///< of the first arm's second run; nothing without a control arm
};

/// What the metric does by chance alone on this machine. It decides the test.
///
/// `kExact`: before and control are equal in every block. Where no arm differs from another, the
/// odd one out of three is `after` with probability 1/3 at most, so `after` differs in all of n
/// blocks with 3^-n at most. `kCountLike`: they differ by at most 1 %: sign test. `kTimeLike`: all
/// others, and where there is no control: sign test, and what it finds must also lie beyond all
/// that the control's interval holds.
enum class Tier { kExact, kCountLike, kTimeLike };
std::string_view to_string(Tier tier);
inline constexpr double kCountLikeNoise = 0.01;  ///< of the ratio of control to before
Tier tier_of(std::span<const BlockValues> blocks);

/// How much worse is allowed: the larger of both. Nothing given: no worse at all.
struct Limit {
  double relative = 0;  ///< 0.05: 5 % of before
  double absolute = 0;  ///< in the metric's unit
};

enum class Judgement {
  kImproved,
  kRegressed,   ///< worse by more than the limit
  kEquivalent,  ///< within the limit, to either side
  kNotWorse,    ///< not worse by more than the limit; whether better is open
  kUndecided
};
std::string_view to_string(Judgement judgement);
/// Whether a gate lets it through.
bool passes(Judgement judgement);

struct JudgeOptions {
  Limit limit = {};
  bool lower_is_better = true;
  double confidence = 0.95;  ///< of this test (each_confidence)
};

struct MetricVerdict {
  Judgement judgement = Judgement::kUndecided;
  Tier tier = Tier::kTimeLike;
  std::size_t pairs = 0;
  double before = 0;  ///< medians
  double after = 0;
  double ratio = 1;                                 ///< median of after / before
  std::optional<MedianInterval> interval;           ///< of that ratio
  std::optional<MedianInterval> control_interval;   ///< of control / before
  bool control_failed = false;                      ///< equal arms were found to differ
  std::optional<double> minimum_detectable_effect;  ///< relative, at this confidence and 80 % power
  std::string reason;                               ///< of an undecided one
};

/// The verdict on one metric. Values that are negative or no numbers leave it undecided, as does a
/// control that failed.
MetricVerdict judge_metric(std::span<const BlockValues> blocks, const JudgeOptions& options);

/// The same of two files that were measured one after the other: rounds of either, unpaired. Judged
/// only where the values of each differ among themselves by at most 1 %, and only where the two
/// sets do not overlap: of n and m rounds that do not differ, all of one set lie beyond the other
/// with 1 / (n + m over n). Drift between the two runs is in no interval, so times are never
/// judged.
MetricVerdict judge_stored(std::span<const double> before, std::span<const double> after,
                           const JudgeOptions& options);

/// How many blocks a metric of this tier needs at this confidence.
std::size_t blocks_needed(Tier tier, double confidence);

enum class GateOutcome { kPassed, kRegressed, kUndecided };
std::string_view to_string(GateOutcome outcome);

/// Undecided where any control failed or nothing was judged, else regressed where any metric is,
/// else undecided where any does not pass.
GateOutcome decide(std::span<const MetricVerdict> verdicts);

/// The effect that `count` pairs of this spread show with 80 % power in a sign test of this
/// confidence, as a relative change; nothing for fewer than two pairs. Source: efficiency 2/pi of
/// the median, normal errors.
std::optional<double> detectable_effect(std::span<const double> log_ratios, double confidence);

/// z with P(Z <= z) = probability, for a standard normal Z.
double normal_quantile(double probability);

}  // namespace vfsprof::reports
