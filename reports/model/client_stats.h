#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reports/model/histogram.h"

namespace vfsprof::reports {

/// What one client did in one round.
struct ClientStats {
  std::string job;
  std::uint64_t operations = 0;
  std::uint64_t paced_operations = 0;  ///< those that had a time to start at
  std::uint64_t elapsed_ns = 0;        ///< from its first operation to its last result
  /// Operations that ended in each slice of time, from the start of the measured phase on; what
  /// follows the last one is zero.
  std::vector<std::uint64_t> slices;
  /// How late the one operation of each slice was issued that was least late, in nanoseconds; empty
  /// where the client keeps no pace.
  std::vector<std::uint64_t> late_slices_ns;
};

/// What is known of the clients of a round one by one.
struct ClientRound {
  std::uint64_t slice_ns = 0;  ///< length of the slices of time
  /// CPU time that the generator took for itself, of Round::client_cpu_ns: all operations at the
  /// cost that operations without system calls had just before.
  std::uint64_t generator_cpu_ns = 0;
  std::uint64_t calibration_operations = 0;  ///< made to find that cost
  Histogram late_ns;                 ///< issue after the intended start, of paced operations
  std::vector<ClientStats> clients;  ///< in the scenario's order
};

/// A round before those that are recorded.
struct WarmUpRound {
  double ns_per_operation = 0;  ///< CPU time of the observed process
  double operations_per_second = 0;
};

/// How the first arm ran until its figures no longer changed.
struct WarmUp {
  std::string criterion;            ///< when it ends; empty: the result was saved without it
  std::vector<WarmUpRound> rounds;  ///< in their order
  std::uint32_t stable_from = 0;    ///< the first round that is stable, from 1; 0: none was
};

/// Where two arms first part, in operation results or in their final trees.
struct FirstDifference {
  std::uint32_t before = 0, after = 0;  ///< indices into RunResult::arms
  std::uint32_t block = 0;              ///< of the rounds that differ
  std::string fact;                     ///< "results" or "tree"
  std::uint64_t operation = 0;          ///< number in its client, from 1; 0: not known
  std::uint32_t client = 0;             ///< where the operation is known
  std::string place;                    ///< the operation, or the path
  std::string before_value, after_value;
};

}  // namespace vfsprof::reports
