#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>

#include "vfs/word_names.h"

namespace vfsprof::vfs {

/// How many writes go on after their session thread has turned to other requests. Threads: safe.
class PendingWrites {
 public:
  /// One pending write, from its construction to its end.
  class Entry {
   public:
    explicit Entry(PendingWrites& all) : all_(all) {
      const std::lock_guard lock(all_.mutex_);
      ++all_.count_;
    }
    ~Entry() {
      // Notified under the lock: once the waiter has it, `all_` may go.
      const std::lock_guard lock(all_.mutex_);
      if (--all_.count_ == 0) all_.none_left_.notify_all();
    }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

   private:
    PendingWrites& all_;
  };

  /// Waits until there is none.
  void wait_for_all() {
    std::unique_lock lock(mutex_);
    none_left_.wait(lock, [this] { return count_ == 0; });
  }

 private:
  std::mutex mutex_;  // guards `count_`
  const WordName mutex_name_{mutex_, "pending_writes.count", WordPurpose::kLock};
  std::size_t count_ = 0;
  std::condition_variable none_left_;
  const WordName none_left_name_{none_left_, "pending_writes.none_left", WordPurpose::kCompletion};
};

}  // namespace vfsprof::vfs
