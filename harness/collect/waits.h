#pragma once

#include <memory>

#include "harness/collect/collector.h"

namespace vfsprof::harness {

/// Futex calls, wall clock and FUSE requests of a tracing round, followed by BPF programs
/// (harness/bpf): Round::waits.
std::unique_ptr<Collector> make_waits_collector(const CollectorOptions& options);

}  // namespace vfsprof::harness
