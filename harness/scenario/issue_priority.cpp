#include "harness/scenario/issue_priority.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>

#include "harness/error.h"
#include "harness/scenario/scenario.h"

namespace vfsprof::harness {

std::string_view to_string(IssuePriority priority) {
  return priority == IssuePriority::kRealtime ? "realtime" : "normal";
}

IssuePriority parse_issue_priority(const std::string& text) {
  for (const IssuePriority priority : {IssuePriority::kNormal, IssuePriority::kRealtime}) {
    if (text == to_string(priority)) return priority;
  }
  throw BadInput(fmt::format("unknown issue priority '{}': allowed are normal and realtime", text));
}

bool keeps_pace(const Job& job) { return job.rate_iops > 0 || job.recorded_pace; }

void check_issue_priority(IssuePriority priority, const Scenario& scenario) {
  if (priority == IssuePriority::kNormal || std::ranges::any_of(scenario.jobs, keeps_pace)) return;
  throw BadInput(
      fmt::format("--issue-priority {}: no job of scenario '{}' keeps a pace, so nothing is late: "
                  "leave it out, or take --timing recorded (a recording) or rate_iops",
                  to_string(priority), scenario.name));
}

IssuePriorityScope::IssuePriorityScope(IssuePriority priority) {
  if (priority == IssuePriority::kNormal) return;
  const sched_param lowest{.sched_priority = 1};
  raised_ = ::sched_setscheduler(0, SCHED_FIFO, &lowest) == 0;
  if (!raised_) error_ = errno;
}

IssuePriorityScope::~IssuePriorityScope() {
  const sched_param none{.sched_priority = 0};
  if (raised_) ::sched_setscheduler(0, SCHED_OTHER, &none);
}

}  // namespace vfsprof::harness
