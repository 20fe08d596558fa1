#pragma once

#include <string>
#include <vector>

#include "harness/experiment/experiment.h"

namespace vfsprof::harness {

/// Changes what an experiment needs changed before its rounds, and returns the lines that its
/// report is to have for it:
///
/// - in lockstep mounts of ours go around the kernel's page cache (direct_io=on): what it holds
///   depends on memory pressure and what it reads ahead on time, so read requests would not repeat.
///   writeback=on is that cache, and stays;
/// - clients of real-time priority interrupt the file system.
std::vector<std::string> prepare(ExperimentOptions& experiment);

}  // namespace vfsprof::harness
