#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "reports/analyze/profile_tables.h"
#include "reports/analyze/report.h"

namespace vfsprof::reports {

/// Of every test by itself.
inline constexpr double kConfidence = 0.95;

/// What a verdict on a metric is made from.
struct VerdictInput {
  std::vector<double>
      log_ratios;  ///< of the pairs, after / before; infinite where one side is zero
  double equivalence_margin = 0.05;
  bool lower_is_better = true;
  double confidence = kConfidence;
};

/// A figure of a round that is compared.
struct Metric {
  std::string id;
  std::string title;
  std::string unit;
  bool lower_is_better = true;
  std::function<std::optional<double>(const Round&)>
      value;  ///< nothing: not measured in this round
};

/// THE list of metrics of timing rounds; the first one decides a comparison.
std::vector<Metric> metrics(const std::string& main_kind);

/// The four-way verdict on the pairs of one metric: `equivalent` if the whole interval lies within
/// 1 +- margin (checked first), improved or regressed if it lies on one side of 1, else undecided.
MetricComparison judge(const VerdictInput& input);

/// Of after to before; 0 where both are zero, infinite where one is.
double log_ratio(double before, double after);

/// Rounds of two arms that ran in the same block.
using RoundPairs = std::vector<std::pair<const Round*, const Round*>>;
RoundPairs pair_by_block(const std::vector<const Round*>& before,
                         const std::vector<const Round*>& after);

/// The metrics of pairs of rounds. `main_kind` is the kind of operation whose latency is compared.
std::vector<MetricComparison> compare_pairs(const RoundPairs& pairs, const std::string& main_kind,
                                            double equivalence_margin,
                                            double deciding_confidence = kConfidence);

/// The metrics of two arms, paired by block over their timing rounds. CPU per operation decides:
/// all comparisons of the result together hold at 95 % (control.h); the other rows hold at 95 %
/// each, so that of twenty of them one may be wrong.
std::vector<MetricComparison> compare_metrics(const RunResult& result, std::size_t before,
                                              std::size_t after);

/// The kind of operation that was done most often, over all arms. Empty if there was none.
std::string main_kind(const RunResult& result);

/// What threads wait for in both arms, paired by block over their tracing rounds: for all futex
/// words together, then for each of those where most was waited or woken: waits, wakes and wait
/// time per operation.
std::vector<WordComparison> compare_waits(const RunResult& result, std::size_t before,
                                          std::size_t after);

/// Whether both arms did the same work: fills `compared`, `void_reasons` and `uncompared`.
void check_same_work(const RunResult& result, Comparison& comparison);

/// One arm's profile: for resampling, and as its tables show it.
struct ComparedProfile {
  const AnalysedProfile& analysed;
  const ProfileTables& tables;
};

/// Every category of every thread role in both arms, and every group over all threads. False
/// discoveries are held at 5 % over the table.
std::vector<CategoryChange> compare_categories(const ComparedProfile& before,
                                               const ComparedProfile& after, const RuleSet& rules);

/// How many rows of the tables are compared burst by burst, the largest ones.
inline constexpr std::size_t kBurstCells = 4;

/// The largest rows of two recordings in each pair of bursts of the same number; nothing where
/// either has only one.
std::vector<BurstPair> compare_bursts(const std::vector<const Round*>& before,
                                      const std::vector<const Round*>& after, const RuleSet& rules);

}  // namespace vfsprof::reports
