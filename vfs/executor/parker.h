#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string_view>

#include "vfs/executor/spin_wait.h"
#include "vfs/word_names.h"

namespace vfsprof::vfs {

/// Puts one thread to sleep until another wakes it. A wake-up that comes first is kept: the next
/// `park` returns at once. Waking a thread that is not parked costs no system call. Threads: one
/// thread parks, any thread unparks.
class Parker {
 public:
  /// What the threads wait for, under which their waits are known (vfs/word_names.h). The name must
  /// outlive the parker.
  Parker(std::string_view name, WordPurpose purpose);

  /// Returns after an `unpark`, which it uses up. Spins for up to `spin` before it sleeps: an
  /// `unpark` that comes meanwhile costs no system call on either side.
  void park(SpinLimit spin = kNoSpin);
  void unpark();

  /// The calling thread's own. Shared, because a waker may still hold it when the thread it woke
  /// has ended.
  static const std::shared_ptr<Parker>& of_this_thread();

 private:
  enum State : int { kEmpty, kParked, kNotified };

  std::atomic<int> state_{kEmpty};
  std::mutex mutex_;  // orders the step from "about to wait" to "waiting" before a waker's notify
  std::condition_variable condition_;
  const std::string_view name_;
  const WordPurpose purpose_;
  const WordName mutex_name_;
  const WordName condition_name_;
};

}  // namespace vfsprof::vfs
