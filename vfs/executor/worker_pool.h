#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "vfs/executor/parker.h"
#include "vfs/executor/task.h"
#include "vfs/word_names.h"

namespace vfsprof::vfs {

/// How many workers a daemon has. The analysis document does not say; four is the size of the
/// runtime that it describes on a four-core machine, and enough to overlap flushes.
inline constexpr unsigned kWorkers = 4;

/// The daemon's worker threads, `vfs-io-worker`: they run tasks that other threads spawn, first in,
/// first out. A spawn wakes one sleeping worker if there is one, so at most one wake-up a task and
/// none while all are awake; each worker has a Parker of its own, so no wake-up is wasted.
///
/// Made before the engine and the front end that use it and destroyed after them: a task that was
/// spawned runs, even while the pool is being destroyed. Threads: `spawn` and `post` are safe from
/// any thread, `run` from any but the workers themselves, which would wait for each other.
class WorkerPool {
 public:
  explicit WorkerPool(unsigned workers);
  /// Runs what was spawned, then ends the workers.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Queues the task and returns. The task must live until it has run.
  void spawn(Task& task);
  /// Spawns the task and waits for its end.
  void run(WaitedTask& task) {
    spawn(task);
    task.wait();
  }
  /// Spawns a task that nobody waits for. Errors: std::bad_alloc; then it is destroyed, not run.
  void post(std::unique_ptr<OwnedTask> task) {
    spawn(*task);
    (void)task.release();  // the worker destroys it, and may have done so already
  }

  /// Posts a callable that must not throw.
  template <class Work>
  void post_work(Work work) {
    post(std::make_unique<OwnedTaskOf<Work>>(std::move(work)));
  }

  /// Returns once no task is queued and none runs. Not from a worker.
  void wait_until_idle();

  /// How long workers without a task spin before they park, from their next wait on.
  void set_spin(SpinLimit spin) { spin_.store(spin, std::memory_order_relaxed); }

 private:
  struct Worker {
    Parker parker{"workers.parked", WordPurpose::kQueue};
    std::thread thread;
  };

  Worker* push_remote_task(Task& task);
  Worker* worker_to_notify();
  Task* next_task(Worker& worker);
  void work(Worker& worker);

  std::mutex mutex_;  // guards the four below; nothing else is locked under it
  const WordName mutex_name_{mutex_, "workers.queue", WordPurpose::kLock};
  std::deque<Task*> tasks_;
  std::vector<Worker*>
      idle_;  // parked or about to park; the last one in is woken first: its caches are warm
  bool stopping_ = false;
  unsigned idle_waiters_ = 0;  // in wait_until_idle

  std::condition_variable all_idle_;
  std::atomic<SpinLimit> spin_{kNoSpin};          // relaxed: a hint that orders nothing
  std::vector<std::unique_ptr<Worker>> workers_;  // immutable after construction
};

}  // namespace vfsprof::vfs
