#pragma once

#include <dlfcn.h>

#include <atomic>

namespace vfsprof::vfs {

// Sanitizers replace the same functions.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define VFSPROF_CAN_INTERPOSE 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define VFSPROF_CAN_INTERPOSE 0
#endif
#endif
#ifndef VFSPROF_CAN_INTERPOSE
#define VFSPROF_CAN_INTERPOSE 1
#endif

/// The C library's function that the test program has replaced by its own of the same name. `known`
/// keeps it; must be constant-initialised, as the first call may come before main. Threads: safe.
template <class Function>
Function* replaced(std::atomic<Function*>& known, const char* name) {
  // Relaxed: every thread finds the same address.
  Function* function = known.load(std::memory_order_relaxed);
  if (function == nullptr) {
    function = reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
    known.store(function, std::memory_order_relaxed);
  }
  return function;
}

}  // namespace vfsprof::vfs
