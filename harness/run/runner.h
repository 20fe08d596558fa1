#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "harness/collect/collector.h"
#include "harness/scenario/issue_priority.h"
#include "harness/scenario/result_trace.h"
#include "harness/scenario/scenario.h"
#include "harness/scenario/tree_hash.h"
#include "harness/target/target.h"
#include "reports/model/run_result.h"

namespace vfsprof::harness {

/// One fresh process under one arm.
struct RoundRequest {
  const Scenario& scenario;
  const TargetSpec& target;
  std::string variant;                ///< canonical text, empty for targets without one
  std::filesystem::path binary = {};  ///< folder of the daemon's program; empty: beside vfsprof
  Placement placement = Placement::kPacked;
  std::uint64_t seed = 1;
  reports::RoundKind kind = reports::RoundKind::kTiming;
  bool hash_tree = true;
  bool keeps_contents = true;                             ///< ClientOptions::keeps_contents
  WatchedOperations watch = {};                           ///< none where `first` is 0
  IssuePriority issue_priority = IssuePriority::kNormal;  ///< of clients that keep a pace
  CollectorOptions collect;
  std::filesystem::path
      work_directory;  ///< the round makes a directory of its own in it, and removes it
};

struct RoundOutcome {
  reports::Round round;  ///< arm and block are the caller's
  std::vector<reports::Capability> capabilities;
  // To find out where rounds differ; not saved.
  std::vector<ClientTrace> traces;  ///< by client
  std::vector<KeptResult> kept;     ///< of RoundRequest::watch
  std::vector<TreeEntry> tree;      ///< what tree_hash is over
};

/// Starts the target, drives it with the clients, observes it, and takes everything down again,
/// whatever happens. A round whose clients failed comes back with a `void_reason`. Errors:
/// EnvironmentError if the target or the clients cannot start, or the target's process fails;
/// Interrupted.
RoundOutcome run_round(const RoundRequest& request);

/// Touches memory once, so that a virtual machine's host backs it before anything is measured: the
/// first touch can cost 40 times the second. At most `bytes` and half of what is available; returns
/// how much it was.
std::uint64_t warm_up_memory(std::uint64_t bytes);

}  // namespace vfsprof::harness
