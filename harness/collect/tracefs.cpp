#include "harness/collect/tracefs.h"

#include <fmt/format.h>
#include <sys/mount.h>
#include <unistd.h>

#include <system_error>

#include "harness/collect/capability_probes.h"
#include "harness/collect/proc.h"
#include "vfs/base/result.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;

constexpr char kMountPoint[] = "/sys/kernel/tracing";
constexpr const char* kRoots[] = {kMountPoint, "/sys/kernel/debug/tracing"};
constexpr char kWitness[] = "events/sched/sched_switch/id";

/// The root where tracepoints can be read, or an empty path; `refused`: one that may not be.
fs::path readable_root(std::string& refused) {
  for (const char* root : kRoots) {
    if (read_number(fs::path(root) / kWitness)) return root;
    if (::access((fs::path(root) / kWitness).c_str(), R_OK) != 0 && errno == EACCES &&
        refused.empty()) {
      refused = root;
    }
  }
  return {};
}

}  // namespace

Tracefs find_tracefs() {
  static bool mounted_here = false;
  Tracefs result;
  std::string refused;
  result.root = readable_root(refused);
  if (result.root.empty() && refused.empty() && ::geteuid() == 0) {
    if (::mount("tracefs", kMountPoint, "tracefs", 0, nullptr) == 0) {
      mounted_here = true;
      result.root = readable_root(refused);
    } else {
      result.detail =
          fmt::format("tracefs is not mounted, and mounting it: {}", describe(Errno{errno}));
    }
  }
  result.mounted_here = mounted_here;
  if (!result.root.empty()) return result;
  if (!refused.empty()) {
    result.detail = fmt::format("{} may not be read by this user", refused);
    result.remedy = as_root("mount -o remount,mode=755 /sys/kernel/tracing") + ", or run as root";
    return result;
  }
  if (result.detail.empty()) result.detail = "tracefs is not mounted";
  result.remedy = as_root("mount -t tracefs tracefs /sys/kernel/tracing");
  return result;
}

std::optional<std::uint64_t> tracepoint_id(const Tracefs& tracefs, const std::string& name) {
  const std::size_t colon = name.find(':');
  if (tracefs.root.empty() || colon == std::string::npos || name.contains("..")) {
    return std::nullopt;
  }
  const auto id =
      read_number(tracefs.root / "events" / name.substr(0, colon) / name.substr(colon + 1) / "id");
  if (!id || *id < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*id);
}

std::vector<std::string> list_tracepoints(const Tracefs& tracefs) {
  std::vector<std::string> names;
  if (tracefs.root.empty()) return names;
  std::error_code ignored;  // what cannot be listed is not suggested
  for (const auto& subsystem : fs::directory_iterator(tracefs.root / "events", ignored)) {
    if (!subsystem.is_directory(ignored)) continue;
    for (const auto& event : fs::directory_iterator(subsystem.path(), ignored)) {
      if (!event.is_directory(ignored)) continue;
      names.push_back(fmt::format("{}:{}", subsystem.path().filename().string(),
                                  event.path().filename().string()));
    }
  }
  return names;
}

}  // namespace vfsprof::harness
