#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reports/model/run_result.h"

namespace vfsprof::reports {

struct RoleEvents {
  std::string role;
  double count = 0;  ///< per operation or per second, as the summary says
};

/// An event over the counting rounds of an arm.
struct EventSummary {
  std::string name;
  std::string unavailable;  ///< why there is no count; empty if there is one
  bool per_operation = true;
  double count = 0;               ///< per operation, or per second where nobody counted operations
  double running_share = 1;       ///< of the time enabled; below 1 counts are scaled up
  std::vector<RoleEvents> roles;  ///< largest first
};

/// What a thread's count would have been had the event been on a counter all the time.
double scaled(const ThreadEvents& events);

/// The count of an event in one round, over all threads; nothing where it could not be counted.
std::optional<double> event_count(const Round& round, const std::string& name);

std::vector<EventSummary> summarise_events(const std::vector<const Round*>& rounds);

}  // namespace vfsprof::reports
