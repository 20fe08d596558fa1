#pragma once

#include <atomic>
#include <exception>
#include <memory>
#include <utility>

#include "vfs/executor/parker.h"

namespace vfsprof::vfs {

/// A piece of work in a queue. Who owns it, and who hears that it is done, is the matter of the
/// classes below.
class Task {
 public:
  Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  /// Does the work on the calling thread. Called once; the task may be gone when it returns.
  virtual void execute() noexcept = 0;

 protected:
  ~Task() = default;
};

/// A task that one thread hands to another and waits for. Lives on the stack of the thread that
/// waits; the thread that ran it touches nothing of it once `complete` has told so.
class WaitedTask : public Task {
 public:
  WaitedTask() : waiter_(Parker::of_this_thread()) {}

  void execute() noexcept final {
    try {
      run();
    } catch (...) {
      failure_ = std::current_exception();
    }
    complete();
  }

  /// Waits on the thread that constructed the task, and rethrows what the work threw.
  void wait(SpinLimit spin = kNoSpin) {
    while (!done_.load(std::memory_order_acquire)) waiter_->park(spin);
    if (failure_) std::rethrow_exception(failure_);
  }

 protected:
  virtual void run() = 0;
  ~WaitedTask() = default;

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

/// A waited task made of a callable.
template <class Work>
class TaskOf final : public WaitedTask {
 public:
  explicit TaskOf(Work work) : work_(std::move(work)) {}

 private:
  void run() override { work_(); }

  Work work_;
};

/// A task that nobody waits for: it lives on the heap and is destroyed by the thread that ran it,
/// or by a queue that could not take it. `run` must not throw.
class OwnedTask : public Task {
 public:
  virtual ~OwnedTask() = default;

  void execute() noexcept final {
    const std::unique_ptr<OwnedTask> self(this);
    run();
  }

 protected:
  virtual void run() noexcept = 0;
};

/// An owned task made of a callable.
template <class Work>
class OwnedTaskOf final : public OwnedTask {
 public:
  explicit OwnedTaskOf(Work work) : work_(std::move(work)) {}

 private:
  void run() noexcept override { work_(); }

  Work work_;
};

}  // namespace vfsprof::vfs
