#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "harness/run/runner.h"
#include "reports/model/run_result.h"

namespace vfsprof::harness {

/// Finds where arms first part while an experiment runs: of every two arms the first difference in
/// operation results and in final trees. Trees are compared entry by entry. Results are known as
/// hashes on the way, which say between which operations of which client they part; both rounds are
/// then done once more, and those operations' results kept one by one.
/// Threads: not safe.
class DifferenceFinder {
 public:
  /// Does a round of an arm again. What it returns may be void.
  using Repeat = std::function<RoundOutcome(std::uint32_t arm, const WatchedOperations& watch)>;

  explicit DifferenceFinder(Repeat repeat) : repeat_(std::move(repeat)) {}

  /// Compares a good round with those of its block and kind before it; adds what is found.
  void add(const RoundOutcome& outcome, std::vector<reports::FirstDifference>& differences);

 private:
  /// What a round leaves behind.
  struct Trail {
    reports::Round round;  ///< its place and hashes
    std::vector<ClientTrace> traces;
    std::vector<TreeEntry> tree;
  };

  void compare(const Trail& before, const Trail& after,
               std::vector<reports::FirstDifference>& differences);
  reports::FirstDifference part_of_results(const Trail& before, const Trail& after);

  Repeat repeat_;
  std::vector<Trail> trails_;  ///< of one block and kind
};

}  // namespace vfsprof::harness
