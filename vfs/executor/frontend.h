#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "vfs/engine.h"

namespace vfsprof::vfs {

class WorkerPool;

/// Where the result of a write goes. Plain values, so that a write allocates nothing for it.
struct WriteReply {
  /// Called exactly once for each write, by whichever thread finishes it. Must not throw.
  void (*send)(const WriteReply& reply, Result<std::size_t> written);
  void* context;        ///< for `send`
  int descriptor = -1;  ///< for `send`: where the request came from
};

/// A read as the kernel sent it.
struct ReadRequest {
  InodeId inode;
  HandleId handle;
  FileRange range;
};

/// Where the result of a read goes.
struct ReadReply {
  /// Called exactly once for each read, by whichever thread finishes it, with the bytes that there
  /// were before the end of the file; they are valid until it returns. Must not throw.
  void (*send)(const ReadReply& reply, Result<std::span<const std::byte>> read);
  void* context;        ///< for `send`
  int descriptor = -1;  ///< for `send`: where the request came from
};

/// Replies with the first `*got` bytes of the buffer, or the error.
void send(const ReadReply& reply, Result<std::size_t> got, std::span<const std::byte> buffer);

/// An engine behind its executor: where the requests that move data, or that may wait for the disk,
/// enter. All others go to the engine itself. Threads: every operation may be called from any
/// session thread at any time.
class Frontend {
 public:
  virtual ~Frontend() = default;

  /// Writes the payload; the number of bytes written (all, or an error) goes to `reply`, before or
  /// after this returns. The payload need only be valid until then: a write that goes on after it
  /// has taken a copy. Under an executor in place that is one that must fetch an object first.
  /// Errors, in the reply: as in Engine; ENOMEM where memory ran out; EIO for an object that cannot
  /// be fetched.
  virtual void write(const WriteRequest& request, WriteReply reply) = 0;
  /// Reads; what was read goes to `reply`, before or after this returns. `buffer`, which holds
  /// `range.size` bytes, need only be valid until then: a read that must fetch an object first goes
  /// on after it with one of its own. Errors, in the reply: as for a write.
  virtual void read(const ReadRequest& request, std::span<std::byte> buffer, ReadReply reply) = 0;
  /// Returns once everything that entered has been replied to. Called when no more can enter, and
  /// before what the replies need goes.
  virtual void drain() = 0;

  // As in Engine; what may wait for the disk is on a worker thread while the caller waits.
  virtual Result<void> flush(InodeId inode, HandleId handle) = 0;
  virtual Result<void> release(InodeId inode, HandleId handle) = 0;
  virtual Result<void> sync(InodeId inode, HandleId handle, SyncScope scope) = 0;
  virtual Result<void> sync_directory(InodeId directory) = 0;
};

/// Builds the front end of the executor named `executor` (a value of that axis) over an engine, and
/// starts the executor's threads. Engine and workers must outlive it; its end waits as `drain`
/// does.
std::unique_ptr<Frontend> make_frontend(std::string_view executor, Engine& engine,
                                        WorkerPool& workers);

}  // namespace vfsprof::vfs
