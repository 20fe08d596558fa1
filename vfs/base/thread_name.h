#pragma once

#include <pthread.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace vfsprof {

/// A thread role: the name the kernel shows, and the name in full. The kernel keeps 15 characters.
struct ThreadName {
  std::string_view kernel_name;
  std::string_view full_name;
};

/// The daemon's threads, named as in the analysis document (design.md section 4).
inline constexpr ThreadName kSessionThread{"mount_vfs", "mount_vfs"};
inline constexpr ThreadName kDispatcherThread{"vfs-async-execu", "vfs-async-executor"};
inline constexpr ThreadName kWorkerThread{"vfs-io-worker", "vfs-io-worker"};

/// Every named thread of the daemon.
inline constexpr std::array kThreadNames{kSessionThread, kDispatcherThread, kWorkerThread};

/// Names a thread. The kernel's name must have at most 15 characters.
inline void set_thread_name(pthread_t thread, const ThreadName& name) {
  char buffer[16] = {};
  std::copy_n(name.kernel_name.data(), std::min<size_t>(name.kernel_name.size(), 15), buffer);
  ::pthread_setname_np(thread, buffer);
}

inline void set_current_thread_name(const ThreadName& name) {
  set_thread_name(::pthread_self(), name);
}

}  // namespace vfsprof
