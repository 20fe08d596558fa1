#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace vfsprof::harness {

/// The file system of tracepoints: where it is mounted, or why it cannot be read.
struct Tracefs {
  std::filesystem::path root;  ///< empty: unavailable
  bool mounted_here = false;   ///< by this process, just now or earlier
  std::string detail;          ///< where there is no root: why
  std::string remedy;
};

/// Finds tracefs. Where it is not mounted and this user may, mounts it at /sys/kernel/tracing, and
/// leaves it mounted: other tools look for it there too.
Tracefs find_tracefs();

/// The number by which perf_event_open(2) knows a tracepoint, "sched:sched_switch"; nothing if the
/// kernel has none of that name.
std::optional<std::uint64_t> tracepoint_id(const Tracefs& tracefs, const std::string& name);

/// All tracepoints, "subsystem:event".
std::vector<std::string> list_tracepoints(const Tracefs& tracefs);

}  // namespace vfsprof::harness
