#pragma once

#include <string_view>
#include <thread>

#include "vfs/executor/task_queue.h"
#include "vfs/executor/worker_pool.h"

namespace vfsprof::vfs {

/// Every write is handed from its session thread to the dispatcher `vfs-async-execu`, on to a task
/// on a worker, and its completion back, while the session thread blocks: as found. Cost: two queue
/// operations and three thread wake-ups a write. Source: the analysis document's
/// AsyncExecutor::block_on, opportunity 1.
class BlockOn {
 public:
  static constexpr std::string_view kName = "block_on";
  static constexpr std::string_view kSummary =
      "every write is handed through dispatcher and workers while the session thread waits, as "
      "found";
  static constexpr bool kInPlace = false;

  explicit BlockOn(WorkerPool& workers);
  /// Dispatches what was queued, then ends the dispatcher.
  ~BlockOn();
  BlockOn(const BlockOn&) = delete;
  BlockOn& operator=(const BlockOn&) = delete;

  void run(Task& task) {
    queue_.push(task);
    task.wait();
  }

 private:
  static constexpr std::size_t kQueueCapacity = 1024;  // tasks

  void dispatch();

  WorkerPool& workers_;
  TaskQueue queue_{kQueueCapacity};
  std::thread dispatcher_;
};

}  // namespace vfsprof::vfs
