#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/collect/process_tree.h"
#include "harness/collect/ring.h"

namespace vfsprof::harness {

/// The processes whose samples count, and what is mapped in each: the root, and its descendants
/// where they are followed, from the records that the kernel writes beside samples (fork, exec,
/// mappings) and from /proc. So a process that lived only for a moment is known too, and has
/// symbols. Threads: one user at a time.
class ObservedProcesses {
 public:
  ObservedProcesses(pid_t root, bool follow_children);

  /// Looks in /proc for descendants and for mappings that have changed.
  void look();
  /// Takes a record of PERF_RECORD_FORK, _COMM and _MMAP2; others are none of its business.
  void note(const RingRecord& record);

  bool contains(pid_t pid) const { return processes_.contains(pid); }
  bool follows_children() const { return follow_children_; }
  /// Those that lived when it last looked.
  const std::vector<pid_t>& living() const { return living_; }
  /// The text of /proc/PID/maps; what records said where that could not be read.
  std::string maps_of(pid_t pid) const;
  /// The name of a thread as a record gave it; empty if none did.
  std::string name_of(pid_t tid) const;

 private:
  /// Lines of /proc/PID/maps by start address.
  struct Process {
    std::string maps;
    std::map<std::uint64_t, std::string> recorded;  ///< since `maps` was read
    bool changed = true;
  };

  void read_maps(pid_t pid, Process& process);
  void note_fork(std::span<const std::byte> payload);
  void note_name(const RingRecord& record);
  void note_mapping(std::span<const std::byte> payload);

  pid_t root_;
  bool follow_children_;
  ProcessTree tree_;
  std::vector<pid_t> living_;
  std::map<pid_t, Process> processes_;
  std::map<pid_t, std::string> names_;
};

}  // namespace vfsprof::harness
