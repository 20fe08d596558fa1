#include <array>

#include "harness/collect/collector.h"
#include "harness/collect/counters.h"
#include "harness/collect/events.h"
#include "harness/collect/sampler.h"
#include "harness/collect/usage.h"
#include "harness/collect/waits.h"

namespace vfsprof::harness {
namespace {

/// THE list. A new collector is one file and one line here.
constexpr std::array kCollectors{
    CollectorInfo{"usage", "CPU time, run-queue wait and context switches per thread", std::nullopt,
                  make_usage_collector},
    CollectorInfo{"counters", "the daemon's own counters", std::nullopt, make_counters_collector},
    CollectorInfo{"sampler", "CPU samples with kernel and user call chains",
                  reports::RoundKind::kProfiling, make_sampler},
    CollectorInfo{"waits", "futex calls, wall clock and FUSE requests of every thread",
                  reports::RoundKind::kTracing, make_waits_collector},
    CollectorInfo{"events", "events counted by name (--counters)", reports::RoundKind::kCounting,
                  make_events_collector},
};

}  // namespace

std::span<const CollectorInfo> all_collectors() { return kCollectors; }

}  // namespace vfsprof::harness
