#include "vfs/executor/spin.h"

#include <sched.h>

#include <thread>

namespace vfsprof::vfs {

unsigned Spin::usable_cpus() {
  cpu_set_t set;
  // Fails only where there are more CPUs than the set can hold.
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return std::thread::hardware_concurrency();
  return static_cast<unsigned>(CPU_COUNT(&set));
}

}  // namespace vfsprof::vfs
