#include "vfs/tests/lock_counter.h"

#include <pthread.h>

#include "vfs/tests/interposing.h"

namespace vfsprof::vfs {
namespace {

thread_local LockCounts counts;

}  // namespace

LockCounts locks_taken() { return counts; }
bool counts_locks() { return VFSPROF_CAN_INTERPOSE != 0; }

}  // namespace vfsprof::vfs

#if VFSPROF_CAN_INTERPOSE

#define VFSPROF_COUNT_CALLS(function, lock_type, counter)                   \
  extern "C" int function(lock_type* lock) noexcept {                       \
    static constinit std::atomic<int (*)(lock_type*)> known{nullptr};       \
    ++vfsprof::vfs::counts.counter;                                         \
    return vfsprof::vfs::replaced<int(lock_type*)>(known, #function)(lock); \
  }

VFSPROF_COUNT_CALLS(pthread_mutex_lock, pthread_mutex_t, mutexes)
VFSPROF_COUNT_CALLS(pthread_mutex_trylock, pthread_mutex_t, mutexes)
VFSPROF_COUNT_CALLS(pthread_rwlock_rdlock, pthread_rwlock_t, rwlocks)
VFSPROF_COUNT_CALLS(pthread_rwlock_tryrdlock, pthread_rwlock_t, rwlocks)
VFSPROF_COUNT_CALLS(pthread_rwlock_wrlock, pthread_rwlock_t, rwlocks)
VFSPROF_COUNT_CALLS(pthread_rwlock_trywrlock, pthread_rwlock_t, rwlocks)

#endif
