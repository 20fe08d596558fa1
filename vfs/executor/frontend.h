#pragma once

#include <memory>
#include <string_view>

#include "vfs/engine.h"

namespace vfsprof::vfs {

/// An engine behind its executor: where the requests that write, or that may wait for the disk,
/// enter. All others go to the engine itself. Threads: every operation may be called from any
/// session thread at any time.
class Frontend {
 public:
  virtual ~Frontend() = default;

  /// Where writes enter. For an executor that works in place this is the engine itself: no call in
  /// between.
  virtual WritePath& writes() = 0;

  // As in Engine, on a worker thread while the caller waits.
  virtual Result<void> flush(InodeId inode, HandleId handle) = 0;
  virtual Result<void> release(InodeId inode, HandleId handle) = 0;
  virtual Result<void> sync(InodeId inode, HandleId handle, SyncScope scope) = 0;
  virtual Result<void> sync_directory(InodeId directory) = 0;
};

/// How many `vfs-io-worker` threads a daemon has. The analysis document does not say; four is the
/// size of the runtime that it describes on a four-core machine, and enough to overlap flushes.
inline constexpr unsigned kWorkers = 4;

/// Builds the front end of the executor named `executor` (a value of that axis) over an engine, and
/// starts its threads. The engine must outlive it.
std::unique_ptr<Frontend> make_frontend(std::string_view executor, Engine& engine);

}  // namespace vfsprof::vfs
