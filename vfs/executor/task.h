#pragma once

#include <exception>
#include <memory>
#include <utility>

#include "vfs/executor/parker.h"

namespace vfsprof::vfs {

/// A piece of work that one thread hands to another and waits for. Lives on the stack of the thread
/// that waits; the thread that ran it touches nothing of it once `complete` has told so.
class Task {
 public:
  Task() : waiter_(Parker::of_this_thread()) {}
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  virtual ~Task() = default;

  /// Runs the work on the calling thread and wakes the waiter. Called once.
  void run_and_complete() noexcept {
    try {
      run();
    } catch (...) {
      failure_ = std::current_exception();
    }
    complete();
  }

  /// Waits on the thread that constructed the task, and rethrows what the work threw.
  void wait() {
    while (!done_.load(std::memory_order_acquire)) waiter_->park();
    if (failure_) std::rethrow_exception(failure_);
  }

 protected:
  virtual void run() = 0;

 private:
  void complete() noexcept {
    // Once done_ is seen the task may be gone: keep the waiter alive beyond it. Release publishes
    // the work's results.
    const std::shared_ptr<Parker> waiter = waiter_;
    done_.store(true, std::memory_order_release);
    waiter->unpark();
  }

  std::shared_ptr<Parker> waiter_;
  std::exception_ptr failure_;
  std::atomic<bool> done_{false};
};

/// A task made of a callable.
template <class Work>
class TaskOf final : public Task {
 public:
  explicit TaskOf(Work work) : work_(std::move(work)) {}

 private:
  void run() override { work_(); }

  Work work_;
};

}  // namespace vfsprof::vfs
