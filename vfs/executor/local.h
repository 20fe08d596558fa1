#pragma once

#include <exception>
#include <string_view>
#include <utility>

#include "vfs/executor/run_queue.h"
#include "vfs/executor/worker_pool.h"

namespace vfsprof::vfs {

/// Each session thread has a run loop of its own: a write is posted to it as a task, and the loop
/// runs it on that thread at once. No hand-off, no wake-up, no lock. Cost: above `sync`, the queue:
/// a push, a pop and an indirect call a write, and no inlining across them. Source: the analysis
/// document's remedy `spawn_local`, Tokio's LocalSet on a current_thread runtime; a task here is on
/// the stack, where Tokio's is on the heap.
class Local {
 public:
  static constexpr std::string_view kName = "local";
  static constexpr std::string_view kSummary =
      "writes go through a run loop on the session thread; only flushes and fetches go to the "
      "workers";
  static constexpr bool kInPlace = true;

  explicit Local(WorkerPool&) {}

  template <class Work>
  void run(Work&& work) {
    LoopTask task(work);
    RunQueue& queue = RunQueue::of_this_thread();
    queue.post(task);
    queue.run();
    task.rethrow();
  }

 private:
  template <class Work>
  class LoopTask final : public Task {
   public:
    explicit LoopTask(Work& work) : work_(work) {}
    void execute() noexcept override {
      try {
        work_();
      } catch (...) {
        failure_ = std::current_exception();
      }
    }
    void rethrow() const {
      if (failure_) std::rethrow_exception(failure_);
    }

   private:
    Work& work_;
    std::exception_ptr failure_;
  };
};

}  // namespace vfsprof::vfs
