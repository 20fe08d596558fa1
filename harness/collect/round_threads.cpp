#include "harness/collect/round_threads.h"

#include <algorithm>

#include "harness/collect/proc.h"

namespace vfsprof::harness {

std::uint32_t thread_index(reports::Round& round, pid_t tid, const std::string& kernel_name) {
  const auto found = std::ranges::find(round.threads, tid, &reports::Thread::tid);
  if (found != round.threads.end()) {
    return static_cast<std::uint32_t>(found - round.threads.begin());
  }
  const std::string full_name = full_thread_name(kernel_name);
  round.threads.push_back(
      {.tid = tid, .name = kernel_name, .full_name = full_name, .role = thread_role(full_name)});
  return static_cast<std::uint32_t>(round.threads.size() - 1);
}

}  // namespace vfsprof::harness
