#pragma once

#include <vector>

#include "reports/analyze/report.h"

namespace vfsprof::reports {

/// What generator, file system and FUSE cost, for each variant that ran in process: the null
/// handler in process is the generator (with what stands for the kernel there); the variant less it
/// is the file system; the same on a mount, clients and daemon together, less the variant in
/// process is FUSE and the kernel. Differences of rounds of one block, medians with 95 % intervals.
std::vector<LayerReport> report_layers(const RunResult& result);

}  // namespace vfsprof::reports
