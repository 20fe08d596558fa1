#pragma once

#include <vector>

#include "reports/model/run_result.h"

namespace vfsprof::harness {

/// What this user can measure on this machine, found out by trying it, each with the command that
/// would give more.
std::vector<reports::Capability> probe_capabilities();

}  // namespace vfsprof::harness
