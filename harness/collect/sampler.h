#pragma once

#include <memory>

#include "harness/collect/collector.h"

namespace vfsprof::harness {

/// Samples the CPU time of every thread with kernel and user call chains, and names what they pass
/// through.
///
/// Uses the event asked for, else cpu-clock; both with a weight of one sampling interval a sample.
/// cpu-clock is true to that weight, as its timer fires once per interval of the thread's CPU time.
/// For cycles the kernel steers the period towards the frequency, so that the weight holds on
/// average. Source: perf_event_open(2); perf_swevent_init_hrtimer() in kernel/events/core.c.
std::unique_ptr<Collector> make_sampler(const CollectorOptions& options);

}  // namespace vfsprof::harness
