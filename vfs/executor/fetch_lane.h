#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <new>
#include <utility>

#include "vfs/counters.h"
#include "vfs/executor/worker_pool.h"
#include "vfs/word_names.h"

namespace vfsprof::vfs {

/// Runs tasks that wait for the object store on the workers, first in, first out, and at most
/// `limit` at a time: a slow store leaves workers to those who wait for the disk. Threads: safe.
class FetchLane {
 public:
  /// The workers must outlive it.
  FetchLane(WorkerPool& workers, unsigned limit) : workers_(workers), limit_(limit) {}
  ~FetchLane() { wait_for_all(); }
  FetchLane(const FetchLane&) = delete;
  FetchLane& operator=(const FetchLane&) = delete;

  /// Errors: std::bad_alloc; then the task is destroyed, not run.
  void post(std::unique_ptr<OwnedTask> task) {
    {
      const std::lock_guard lock(mutex_);
      tasks_.push_back(std::move(task));
      if (running_ == limit_) {
        count(Counter::kHandOffs);  // to the worker that takes it
        return;
      }
      ++running_;
    }
    try {
      workers_.post_work([this] { run(); });
    } catch (const std::bad_alloc&) {
      run();  // slower, but nothing is left lying
    }
  }

  /// Waits until no task is left.
  void wait_for_all() {
    std::unique_lock lock(mutex_);
    none_left_.wait(lock, [this] { return running_ == 0; });
  }

 private:
  void run() {
    while (std::unique_ptr<OwnedTask> task = next()) task.release()->execute();
  }

  /// Null if there is none; then the caller runs no more, and must not touch the lane.
  std::unique_ptr<OwnedTask> next() {
    const std::lock_guard lock(mutex_);
    if (tasks_.empty()) {
      // Notified under the lock: once the waiter has it, the lane may go.
      if (--running_ == 0) none_left_.notify_all();
      return nullptr;
    }
    std::unique_ptr<OwnedTask> task = std::move(tasks_.front());
    tasks_.pop_front();
    return task;
  }

  WorkerPool& workers_;
  const unsigned limit_;
  std::mutex mutex_;  // guards the two below
  const WordName mutex_name_{mutex_, "fetches.queue", WordPurpose::kLock};
  std::deque<std::unique_ptr<OwnedTask>> tasks_;
  unsigned running_ = 0;  // workers
  std::condition_variable none_left_;
  const WordName none_left_name_{none_left_, "fetches.none_left", WordPurpose::kCompletion};
};

}  // namespace vfsprof::vfs
