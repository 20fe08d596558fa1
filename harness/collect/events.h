#pragma once

#include <linux/perf_event.h>

#include <memory>
#include <string>
#include <vector>

#include "harness/collect/collector.h"

namespace vfsprof::harness {

/// Splits "instructions,sched:sched_switch" and checks each name: an event of libpfm4, or a
/// tracepoint as perf writes it. Throws BadInput with names that are near.
std::vector<std::string> parse_event_names(const std::string& text);

/// Counts the events of CollectorOptions::events in each thread, user and kernel mode.
///
/// An event of a thread is inherited by the threads (and processes, where children are followed)
/// that it creates while counting; their counts are in their creator's row. Events on threads make
/// each context switch dearer, so counting has rounds of its own. Source: perf_event_open(2).
std::unique_ptr<Collector> make_events_collector(const CollectorOptions& options);

}  // namespace vfsprof::harness
