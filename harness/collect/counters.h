#pragma once

#include <memory>

#include "harness/collect/collector.h"

namespace vfsprof::harness {

/// The daemon's own counters, from the page that it publishes (vfs/counters.h), summed over its
/// threads. Names and units come from the page itself, so a daemon of another build can be read.
std::unique_ptr<Collector> make_counters_collector(const CollectorOptions& options);

}  // namespace vfsprof::harness
