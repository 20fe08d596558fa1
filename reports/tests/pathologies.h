#pragma once

#include <string>
#include <vector>

#include "reports/model/run_result.h"

namespace vfsprof::reports::synthetic {

/// What is to be found in a result: the rule, where it shows most, and what to do about it.
struct PlantedOpportunity {
  std::string id;
  std::string role;
  std::string category;
  std::string change;  ///< "executor=sync"; empty: the remedy is text
};

/// A result with a known fault.
struct Pathology {
  std::string name;
  RunResult result;
  std::vector<PlantedOpportunity> planted;  ///< none: there is nothing to be found
};

/// Faults of the reference file system and of other programs, one at a time, two together, and
/// programs without any. Samples of each round are drawn as chance draws them.
std::vector<Pathology> pathologies();

/// What `mutex-pool` looks like: hand-off and copies.
Pathology hand_off_and_copies();

}  // namespace vfsprof::reports::synthetic
