#pragma once

#include <string>
#include <vector>

#include "reports/gate/policy.h"
#include "reports/model/run_result.h"

namespace vfsprof::reports {

/// Whether two stored results may be held against each other.
struct FileCheck {
  std::vector<std::string> refusals;  ///< empty: they may
  std::vector<std::string> notes;
  bool same_environment = true;
};

/// Fails closed: one arm each, whole, with operations, of one scenario, seed, target and placement,
/// units that agree, a baseline that is not too old, and the same environment unless the policy
/// lets exact counts carry over.
FileCheck check_files(const Policy& policy, const RunResult& baseline, const RunResult& candidate);

}  // namespace vfsprof::reports
