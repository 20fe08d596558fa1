#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string_view>

#include "vfs/counters.h"
#include "vfs/executor/spin_wait.h"
#include "vfs/executor/task.h"
#include "vfs/wait_counts.h"
#include "vfs/word_names.h"

namespace vfsprof::vfs {

/// A bounded first-in, first-out queue of tasks: `push` waits while it is full, `pop` while it is
/// empty. Threads: safe.
class TaskQueue {
 public:
  explicit TaskQueue(std::size_t capacity) : capacity_(capacity) {}

  void push(Task& task) {
    bool wake = false;
    {
      std::unique_lock lock(mutex_);
      not_full_.wait(lock, [this] { return tasks_.size() < capacity_; });
      tasks_.push_back(&task);
      worth_a_look_.store(true, std::memory_order_relaxed);
      wake = poppers_waiting_ > 0;
    }
    count(Counter::kHandOffs);
    if (!wake) return;
    count(Counter::kThreadWakes);
    counted_wake(kNotEmpty, WordPurpose::kQueue);
    not_empty_.notify_one();
  }

  /// The next task; nothing once the queue is closed and empty. Spins for up to `spin` before it
  /// sleeps.
  Task* pop(SpinLimit spin = kNoSpin) {
    spin_until(spin, [this] { return worth_a_look_.load(std::memory_order_relaxed); });
    std::unique_lock lock(mutex_);
    ++poppers_waiting_;
    if (const auto ready = [this] { return !tasks_.empty() || closed_; }; !ready()) {
      counted_wait(kNotEmpty, WordPurpose::kQueue, [&] { not_empty_.wait(lock, ready); });
    }
    --poppers_waiting_;
    if (tasks_.empty()) return nullptr;
    Task* const task = tasks_.front();
    tasks_.pop_front();
    worth_a_look_.store(!tasks_.empty() || closed_, std::memory_order_relaxed);
    if (tasks_.size() + 1 == capacity_) not_full_.notify_all();
    return task;
  }

  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    worth_a_look_.store(true, std::memory_order_relaxed);
    not_empty_.notify_all();
  }

 private:
  static constexpr std::string_view kNotEmpty = "dispatcher.queue.not_empty";

  const std::size_t capacity_;  // tasks
  std::mutex mutex_;            // guards the three below
  const WordName mutex_name_{mutex_, "dispatcher.queue", WordPurpose::kLock};
  std::deque<Task*> tasks_;
  unsigned poppers_waiting_ = 0;
  bool closed_ = false;
  // Set under the mutex, read by who spins; relaxed, as the mutex orders what is found then.
  std::atomic<bool> worth_a_look_{false};
  std::condition_variable not_empty_;
  const WordName not_empty_name_{not_empty_, kNotEmpty, WordPurpose::kQueue};
  std::condition_variable not_full_;
  const WordName not_full_name_{not_full_, "dispatcher.queue.not_full", WordPurpose::kQueue};
};

}  // namespace vfsprof::vfs
