#pragma once

#include <mutex>
#include <shared_mutex>
#include <string_view>

#include "vfs/wait_counts.h"
#include "vfs/word_names.h"

namespace vfsprof::vfs {

/// A mutex (std::mutex, std::shared_mutex) whose words have a name, and whose waits are counted
/// where somebody reads along (wait_counts.h). Uncontended it costs what the mutex costs: it tries
/// first, and only who must wait looks further. Threads: as the mutex; a Lockable, and a
/// SharedLockable where that is one.
template <class Mutex>
class CountedMutex {
 public:
  /// The name must outlive the mutex.
  explicit CountedMutex(std::string_view name)
      : name_(name), word_name_(mutex_, name, WordPurpose::kLock) {}

  void lock() {
    if (!mutex_.try_lock()) [[unlikely]]
      wait();
  }
  bool try_lock() { return mutex_.try_lock(); }
  void unlock() { mutex_.unlock(); }

  void lock_shared() {
    if (!mutex_.try_lock_shared()) [[unlikely]]
      wait_shared();
  }
  bool try_lock_shared() { return mutex_.try_lock_shared(); }
  void unlock_shared() { mutex_.unlock_shared(); }

 private:
  [[gnu::noinline, gnu::cold]] void wait() {
    counted_wait(name_, WordPurpose::kLock, [this] { mutex_.lock(); });
  }
  [[gnu::noinline, gnu::cold]] void wait_shared() {
    counted_wait(name_, WordPurpose::kLock, [this] { mutex_.lock_shared(); });
  }

  Mutex mutex_;
  const std::string_view name_;
  const WordName word_name_;
};

}  // namespace vfsprof::vfs
