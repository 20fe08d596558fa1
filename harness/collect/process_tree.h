#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

namespace vfsprof::harness {

/// What /proc/PID/stat says of a process.
struct ProcessState {
  char state = '?';  ///< 'R', 'S', ... 'Z' and 'X': it has ended
  pid_t parent = 0;
  bool kernel_thread = false;
  std::uint64_t children_cpu_ns = 0;  ///< of its children that ended and were waited for
  std::uint64_t started = 0;          ///< in clock ticks since boot; with the pid it is unique
};

/// Parses /proc/PID/stat; nothing if malformed. Source: proc(5).
std::optional<ProcessState> parse_process_state(std::string_view stat);
/// Nothing if there is no such process.
std::optional<ProcessState> read_process_state(pid_t pid);

/// A process and, if they are followed, its descendants. Once seen, a descendant stays in, also
/// when its parent ends. This process and its own descendants are never in it.
class ProcessTree {
 public:
  ProcessTree() = default;
  ProcessTree(pid_t root, bool follow_children) : root_(root), follow_children_(follow_children) {}

  /// The processes that live now; the root comes first, whether it lives or not.
  std::vector<pid_t> look();

 private:
  void add_children_of(pid_t pid, std::vector<pid_t>& found);

  pid_t root_ = 0;
  bool follow_children_ = false;
  std::map<pid_t, std::uint64_t> known_;  ///< descendants, and when they started
};

}  // namespace vfsprof::harness
