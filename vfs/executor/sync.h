#pragma once

#include <string_view>
#include <utility>

#include "vfs/executor/worker_pool.h"

namespace vfsprof::vfs {

/// Writes run on the session thread that received them: no hand-off, no wake-up. Only what waits
/// for the disk or the store goes to the workers. Cost: nothing beside the write. Source:
/// opportunity 1 of the analysis document, its synchronous path for files that are already dirty.
class Sync {
 public:
  static constexpr std::string_view kName = "sync";
  static constexpr std::string_view kSummary =
      "writes run on the session thread; only flushes and fetches go to the workers";
  static constexpr bool kInPlace = true;

  explicit Sync(WorkerPool&) {}

  template <class Work>
  void run(Work&& work) {
    std::forward<Work>(work)();
  }
};

}  // namespace vfsprof::vfs
