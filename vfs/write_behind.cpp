#include "vfs/write_behind.h"

#include <algorithm>
#include <new>
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
    collect(file, dirtied);
    batch = take_batch_if_due();
  }
  start(std::move(batch));
}

void WriteBehindQueue::keep(InodeId file, const WriteBehind& dirty) {
  if (!limits_ || dirty.chunks == 0) return;
  const std::lock_guard lock(lock_);
  collect(file, dirty);
}

/// Call with the lock held.
void WriteBehindQueue::collect(InodeId file, const WriteBehind& dirtied) {
  pending_.chunks += dirtied.chunks;
  pending_.bytes += dirtied.bytes;
  if (files_.empty() || files_.back() != file) files_.push_back(file);
}

void WriteBehindQueue::close_batch() {
  std::vector<InodeId> batch;
  {
    const std::lock_guard lock(lock_);
    // What is being written may turn out to have changed meanwhile (`keep`).
    closing_ = !files_.empty() || !failed_.empty() || batches_ > 0;
    batch = take_batch_if_due();
    if (batches_ == 0) closing_ = false;
  }
  start(std::move(batch));
}

/// Empty if no batch is due, or too many are under way. Call with the lock held.
std::vector<InodeId> WriteBehindQueue::take_batch_if_due() {
  const bool full = pending_.chunks >= limits_->chunks || pending_.bytes >= limits_->bytes;
  if (!(full || closing_) || batches_ == kMaxBatches) return {};
  if (skip_ > 0) {
    --skip_;
  } else {
    files_.insert(files_.end(), failed_.begin(), failed_.end());
    failed_.clear();
  }
  if (files_.empty()) return {};
  ++batches_;
  pending_ = {};
  closing_ = false;
  return std::exchange(files_, {});
}

void WriteBehindQueue::start(std::vector<InodeId> batch) {
  if (batch.empty()) return;
  spawn_([this, batch = std::move(batch)]() mutable { write_batches(std::move(batch)); });
}

/// Writes a batch, and those that became due meanwhile.
void WriteBehindQueue::write_batches(std::vector<InodeId> batch) {
  while (!batch.empty()) {
    const std::vector<InodeId> failed = write(std::move(batch));
    // Under the mutex, so that the destructor does not end while this thread still notifies.
    const std::lock_guard ending(ending_mutex_);
    {
      const std::lock_guard lock(lock_);
      --batches_;
      batch = take_batch_if_due();
      if (batches_ == 0) closing_ = false;
      try_again_later(failed);  // not with the batch that begins now
    }
    batch_ended_.notify_all();
  }
}

/// Call with the lock held.
void WriteBehindQueue::try_again_later(const std::vector<InodeId>& files) {
  if (files.empty()) {
    if (failed_.empty()) next_skip_ = 0;
    return;
  }
  failed_.insert(failed_.end(), files.begin(), files.end());
  skip_ = next_skip_;
  next_skip_ = std::min(2 * next_skip_ + 1, kMostSkipped);
}

/// Returns the files that could not be written.
std::vector<InodeId> WriteBehindQueue::write(std::vector<InodeId> files) {
  count(Counter::kFlushBatches);
  std::ranges::sort(files);
  const auto repeated = std::ranges::unique(files);
  files.erase(repeated.begin(), repeated.end());
  std::erase_if(files, [this](InodeId file) {
    try {
      return write_back_(file);
    } catch (const std::bad_alloc&) {
      return false;
    }
  });
  return files;
}

}  // namespace vfsprof::vfs
