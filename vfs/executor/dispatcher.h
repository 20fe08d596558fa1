#pragma once

#include <thread>

#include "vfs/executor/task_queue.h"
#include "vfs/executor/worker_pool.h"

namespace vfsprof::vfs {

/// The thread `vfs-async-execu`, which takes tasks from the session threads and schedules them on
/// the workers. Threads: `run` is safe from any thread but the workers.
class Dispatcher {
 public:
  /// The dispatcher, and who waits in `run`, spin for up to `spin` before they park.
  Dispatcher(WorkerPool& workers, SpinLimit spin);
  /// Dispatches what was queued, then ends the thread.
  ~Dispatcher();
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  /// Hands the task over and waits for its end.
  void run(WaitedTask& task) {
    queue_.push(task);
    task.wait(spin_);
  }

 private:
  static constexpr std::size_t kQueueCapacity = 1024;  // tasks

  void dispatch();

  WorkerPool& workers_;
  const SpinLimit spin_;
  TaskQueue queue_{kQueueCapacity};
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace vfsprof::vfs
