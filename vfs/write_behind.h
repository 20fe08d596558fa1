#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "vfs/base/ids.h"
#include "vfs/base/spin_lock.h"
#include "vfs/flush/flush.h"
#include "vfs/word_names.h"

namespace vfsprof::vfs {

/// Runs work on another thread, some time soon; each piece exactly once. A spawner without threads
/// may run it before it returns.
using Spawn = std::function<void(std::function<void()>)>;

/// Collects what becomes dirty, and has it written back in batches behind the writers' backs. A
/// batch is closed when it has reached the flush strategy's limits; at most two are being written
/// at a time, so that what comes meanwhile joins the next. Cost: nothing for a write that makes
/// nothing dirty that was not; else a spin lock; a batch is one hand-over to another thread.
///
/// A file that could not be written joins the next batch. While that goes on failing, more and more
/// batches go by before all that failed are tried again: a disk that refuses is not asked all the
/// time. There is no clock in it: nothing is tried while nobody writes or closes.
/// Threads: safe.
class WriteBehindQueue {
 public:
  /// Writes back what is dirty of a file; false if that failed. Reporting it is its own matter.
  using WriteBack = std::function<bool(InodeId)>;
  /// The most batches that go by between two tries.
  static constexpr unsigned kMostSkipped = 63;

  /// Without limits nothing is ever written.
  WriteBehindQueue(std::optional<WriteBehind> limits, Spawn spawn, WriteBack write_back);
  /// Waits for the batches under way; what is in no closed batch stays dirty.
  ~WriteBehindQueue();
  WriteBehindQueue(const WriteBehindQueue&) = delete;
  WriteBehindQueue& operator=(const WriteBehindQueue&) = delete;

  /// Whether batches are written at all.
  bool enabled() const { return limits_.has_value(); }

  /// Closes the batch that is being collected, however small it is.
  void close_batch();

  /// A write made blocks or bytes of the file dirty that were not. Call it once the metadata know.
  void add(InodeId file, const WriteBehind& dirtied) {
    if (dirtied.bytes == 0 && dirtied.chunks == 0) [[likely]]
      return;
    if (limits_) add_slowly(file, dirtied);
  }

  /// A write-back left these dirty, as they changed meanwhile: they join the next batch. Starts
  /// none, so it may be called with locks held.
  void keep(InodeId file, const WriteBehind& dirty);

 private:
  static constexpr int kMaxBatches = 2;

  void add_slowly(InodeId file, const WriteBehind& dirtied);
  void collect(InodeId file, const WriteBehind& dirtied);
  std::vector<InodeId> take_batch_if_due();
  void start(std::vector<InodeId> batch);
  void write_batches(std::vector<InodeId> batch);
  std::vector<InodeId> write(std::vector<InodeId> files);
  void try_again_later(const std::vector<InodeId>& files);

  const std::optional<WriteBehind> limits_;
  const Spawn spawn_;
  const WriteBack write_back_;

  SpinLock lock_;  // guards the seven below
  WriteBehind pending_;
  bool closing_ = false;  ///< the batch is due, however small
  std::vector<InodeId> files_;
  int batches_ = 0;              ///< being written
  std::vector<InodeId> failed_;  ///< join a later batch
  unsigned skip_ = 0;            ///< batches before that
  unsigned next_skip_ = 0;       ///< if it fails once more

  std::mutex ending_mutex_;
  const WordName ending_mutex_name_{ending_mutex_, "write_behind.ending", WordPurpose::kLock};
  std::condition_variable batch_ended_;
  const WordName batch_ended_name_{batch_ended_, "write_behind.batch_ended",
                                   WordPurpose::kCompletion};
};

}  // namespace vfsprof::vfs
