#pragma once

#include <memory>

#include "harness/collect/collector.h"

namespace vfsprof::harness {

/// CPU time, run-queue wait and context switches of each thread, and the CPU time of the whole
/// process, from the scheduler's own accounts. Reads /proc twice a round; costs the observed
/// process nothing. Source: /proc/PID/task/TID/schedstat and status; clock_getcpuclockid(3).
std::unique_ptr<Collector> make_usage_collector(const CollectorOptions& options);

}  // namespace vfsprof::harness
