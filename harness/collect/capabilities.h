#pragma once

#include <vector>

#include "reports/model/run_result.h"

namespace vfsprof::harness {

/// What this user can measure on this machine, found out by trying it, each with the command that
/// would give more.
std::vector<reports::Capability> probe_capabilities();

/// Adds what one round saw: one entry per collector, the worst state that any round saw.
void merge_capabilities(std::vector<reports::Capability>& all,
                        const std::vector<reports::Capability>& seen);

}  // namespace vfsprof::harness
