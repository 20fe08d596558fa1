#include "vfs/write_behind.h"

#include <algorithm>
#include <utility>

#include "vfs/counters.h"

namespace vfsprof::vfs {

WriteBehindQueue::WriteBehindQueue(std::optional<WriteBehind> limits, Spawn spawn,
                                   WriteBack write_back)
    : limits_(limits), spawn_(std::move(spawn)), write_back_(std::move(write_back)) {}

WriteBehindQueue::~WriteBehindQueue() {
  std::unique_lock lock(ending_mutex_);
  batch_ended_.wait(lock, [this] {
    const std::lock_guard guard(lock_);
    return batches_ == 0;
  });
}

void WriteBehindQueue::add_slowly(InodeId file, const WriteBehind& dirtied) {
  std::vector<InodeId> batch;
  {
    const std::lock_guard lock(lock_);
    pending_.chunks += dirtied.chunks;
    pending_.bytes += dirtied.bytes;
    if (files_.empty() || files_.back() != file) files_.push_back(file);
    batch = take_batch_if_due();
  }
  if (batch.empty()) return;
  count(Counter::kFlushBatches);
  spawn_([this, batch = std::move(batch)] { write_batch(batch); });
}

/// Call with the lock held.
std::vector<InodeId> WriteBehindQueue::take_batch_if_due() {
  const bool due = pending_.chunks >= limits_->chunks || pending_.bytes >= limits_->bytes;
  if (!due || batches_ == kMaxBatches) return {};
  ++batches_;
  pending_ = {};
  return std::exchange(files_, {});
}

void WriteBehindQueue::write_batch(std::vector<InodeId> files) {
  std::ranges::sort(files);
  const auto repeated = std::ranges::unique(files);
  files.erase(repeated.begin(), repeated.end());
  for (const InodeId file : files) write_back_(file);
  // Under the mutex, so that the destructor does not end while this thread still notifies.
  const std::lock_guard ending(ending_mutex_);
  {
    const std::lock_guard lock(lock_);
    --batches_;
  }
  batch_ended_.notify_all();
}

}  // namespace vfsprof::vfs
