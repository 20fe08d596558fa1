#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vfsprof::harness {

/// The whole text of a (proc) file, or nothing if it cannot be read.
std::optional<std::string> read_text(const std::filesystem::path& path);

/// The number in a (sysctl) file, or nothing.
std::optional<long> read_number(const std::filesystem::path& path);

/// The value of the line `key: value` (any blanks around the colon), without surrounding blanks;
/// empty if there is none.
std::string_view field_of(std::string_view text, std::string_view key);

/// A thread's scheduler statistics since it began.
struct SchedulerStatistics {
  std::uint64_t cpu_ns = 0;
  std::uint64_t runnable_ns = 0;  ///< waiting for a CPU
};

/// Parses /proc/PID/task/TID/schedstat; nothing if malformed. Source:
/// Documentation/scheduler/sched-stats.rst.
std::optional<SchedulerStatistics> parse_schedstat(std::string_view text);

struct ContextSwitches {
  std::uint64_t voluntary = 0;
  std::uint64_t involuntary = 0;
};

/// Parses the two counts of /proc/PID/task/TID/status; nothing if they are not there.
std::optional<ContextSwitches> parse_context_switches(std::string_view status);

/// An executable mapping of a process.
struct ExecutableMapping {
  std::uint64_t start = 0;
  std::uint64_t end = 0;  ///< exclusive
  /// "[vdso]" and the like as the kernel writes them; empty for anonymous memory. Of a deleted file
  /// it ends in " (deleted)".
  std::string path;
  std::uint64_t file_offset = 0;
  friend bool operator==(const ExecutableMapping&, const ExecutableMapping&) = default;
};

/// The executable mappings of /proc/PID/maps, in ascending order; malformed lines are left out.
std::vector<ExecutableMapping> parse_executable_mappings(std::string_view maps);

/// The threads of a process that run now; empty once it has ended.
std::vector<pid_t> list_threads(pid_t pid);

/// The name that the kernel shows for a thread; empty once it has ended.
std::string kernel_thread_name(pid_t pid, pid_t tid);

/// The name in full: of the daemon's own roles (vfs/base/thread_name.h) by their kernel name, else
/// the kernel's.
std::string full_thread_name(std::string_view kernel_name);

/// The role that a full name stands for: without trailing digits and the separators before them
/// ("worker-12" is "worker"). A name that consists of nothing else is its own role.
std::string thread_role(std::string_view full_name);

}  // namespace vfsprof::harness
