#pragma once

#include <string>
#include <string_view>

namespace vfsprof::harness {

struct Scenario;
struct Job;

/// Which claim to the CPU clients that keep a pace have, as to issue their operations on time.
enum class IssuePriority {
  kNormal,    ///< any program's: beside other load they wait for their turn
  kRealtime,  ///< SCHED_FIFO, the lowest priority: they run at once, whatever else runs there
};

/// "normal", "realtime".
std::string_view to_string(IssuePriority priority);
/// Throws BadInput naming the allowed values.
IssuePriority parse_issue_priority(const std::string& text);

/// Whether its operations have times of their own.
bool keeps_pace(const Job& job);

/// Throws BadInput where no job keeps a pace, so that a priority other than normal means nothing.
void check_issue_priority(IssuePriority priority, const Scenario& scenario);

/// Gives the calling thread the priority; the destructor takes it away.
class IssuePriorityScope {
 public:
  explicit IssuePriorityScope(IssuePriority priority);
  ~IssuePriorityScope();
  IssuePriorityScope(const IssuePriorityScope&) = delete;
  IssuePriorityScope& operator=(const IssuePriorityScope&) = delete;

  /// The errno with which the kernel refused; 0 if it did not.
  int error() const { return error_; }

 private:
  bool raised_ = false;
  int error_ = 0;
};

}  // namespace vfsprof::harness
