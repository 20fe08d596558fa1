#pragma once

#include <cstdint>

namespace vfsprof::vfs {

/// How often the calling thread asked for a lock of the C library, with success or not.
/// `vfsprof::SpinLock` is no such lock: it is inlined into the engine, and not counted.
struct LockCounts {
  std::uint64_t mutexes = 0;
  std::uint64_t rwlocks = 0;  ///< shared or exclusive
  friend bool operator==(const LockCounts&, const LockCounts&) = default;
};

/// Since the thread began. The program's own pthread_mutex_lock and the like count and go on to
/// those of the C library.
LockCounts locks_taken();

/// False under a sanitizer, which replaces the same functions: then nothing is counted.
bool counts_locks();

}  // namespace vfsprof::vfs
