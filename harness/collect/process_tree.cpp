#include "harness/collect/process_tree.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <string>

#include "harness/collect/proc.h"

namespace vfsprof::harness {
namespace {

constexpr std::uint64_t kKernelThreadFlag = 0x00200000;  // PF_KTHREAD, include/linux/sched.h

bool has_ended(const ProcessState& process) { return process.state == 'Z' || process.state == 'X'; }

}  // namespace

std::optional<ProcessState> parse_process_state(std::string_view stat) {
  // The name in parentheses may hold anything, parentheses too.
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  std::istringstream fields{std::string(stat.substr(name_end + 1))};
  ProcessState result;
  std::uint64_t flags = 0, user = 0, kernel = 0;
  std::string skipped;
  const auto skip = [&](int count) {
    while (count-- > 0) fields >> skipped;
  };
  fields >> result.state >> result.parent;
  skip(4);  // process group, session, terminal, its group
  fields >> flags;
  skip(6);  // faults of four kinds, own CPU time
  fields >> user >> kernel;
  skip(4);  // priority, nice, threads, itrealvalue
  fields >> result.started;
  if (!fields) return std::nullopt;
  result.kernel_thread = (flags & kKernelThreadFlag) != 0;
  const auto tick_ns = 1'000'000'000u / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  result.children_cpu_ns = (user + kernel) * tick_ns;
  return result;
}

std::optional<ProcessState> read_process_state(pid_t pid) {
  const auto text = read_text(fmt::format("/proc/{}/stat", pid));
  return text ? parse_process_state(*text) : std::nullopt;
}

std::vector<pid_t> ProcessTree::look() {
  std::vector<pid_t> found{root_};
  if (!follow_children_) return found;
  std::erase_if(known_, [](const auto& entry) {
    const auto process = read_process_state(entry.first);
    return !process || has_ended(*process) || process->started != entry.second;
  });
  for (const auto& [pid, started] : known_) found.push_back(pid);
  // Grows while it is walked: children of children follow.
  for (std::size_t i = 0; i < found.size(); ++i) add_children_of(found[i], found);
  return found;
}

void ProcessTree::add_children_of(pid_t pid, std::vector<pid_t>& found) {
  for (const pid_t tid : list_threads(pid)) {
    std::istringstream children(
        read_text(fmt::format("/proc/{}/task/{}/children", pid, tid)).value_or(""));
    for (pid_t child = 0; children >> child;) {
      if (child == ::getpid() || std::ranges::find(found, child) != found.end()) continue;
      const auto process = read_process_state(child);
      if (!process || has_ended(*process)) continue;
      known_[child] = process->started;
      found.push_back(child);
    }
  }
}

}  // namespace vfsprof::harness
