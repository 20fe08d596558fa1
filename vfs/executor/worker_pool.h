#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "vfs/executor/parker.h"
#include "vfs/executor/task.h"

namespace vfsprof::vfs {

/// The daemon's worker threads, `vfs-io-worker`: they run tasks that other threads spawn, first in,
/// first out. A spawn wakes one sleeping worker if there is one; each worker has a Parker of its
/// own, so no wake-up is wasted. Threads: `spawn` and `run` are safe from any thread but the
/// workers themselves.
class WorkerPool {
 public:
  explicit WorkerPool(unsigned workers);
  /// Runs what was spawned, then ends the workers.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Queues the task and returns. The task must live until it has completed.
  void spawn(Task& task);
  /// Spawns the task and waits for its end.
  void run(Task& task) {
    spawn(task);
    task.wait();
  }

 private:
  struct Worker {
    Parker parker;
    std::thread thread;
  };

  Worker* push_remote_task(Task& task);
  Worker* worker_to_notify();
  Task* next_task(Worker& worker);
  void work(Worker& worker);

  std::mutex mutex_;  // guards the three below; nothing else is locked under it
  std::deque<Task*> tasks_;
  std::vector<Worker*>
      idle_;  // parked or about to park; the last one in is woken first: its caches are warm
  bool stopping_ = false;

  std::vector<std::unique_ptr<Worker>> workers_;  // immutable after construction
};

}  // namespace vfsprof::vfs
