#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "reports/analyze/statistics.h"
#include "reports/model/run_result.h"

namespace vfsprof::reports {

/// What rounds of one kind cost the observed process beyond its timing rounds. CPU time per
/// operation where operations were counted, else per second.
struct ObserverCost {
  RoundKind kind = RoundKind::kProfiling;
  bool per_operation = true;
  std::size_t pairs = 0;
  double off_ns = 0;  ///< median of the timing rounds
  double on_ns = 0;
  double ratio = 1;                        ///< median of the pairs' ratios, on / off
  std::optional<MedianInterval> interval;  ///< of the ratio
  std::size_t pairs_missing = 0;           ///< for an interval at 95 %; 0 if there is one
  double collector_ns = 0;  ///< CPU time of the collectors themselves, which is in no other row
};

/// One entry for each kind of round with an observer that the arm has. Pairs are neighbours in
/// time: each such round stands beside the timing round of the arm that ran nearest to it, each
/// timing round in one pair of a kind at most.
std::vector<ObserverCost> observing_costs(const RunResult& result, std::size_t arm);

}  // namespace vfsprof::reports
