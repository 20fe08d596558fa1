#pragma once

#include <string_view>
#include <utility>

#include "vfs/executor/dispatcher.h"

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

  explicit BlockOn(WorkerPool& workers) : dispatcher_(workers, kNoSpin) {}

  template <class Work>
  void run(Work&& work) {
    TaskOf task(std::forward<Work>(work));
    dispatcher_.run(task);
  }

 private:
  Dispatcher dispatcher_;
};

}  // namespace vfsprof::vfs
