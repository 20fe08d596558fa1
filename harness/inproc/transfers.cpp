// Reads and writes of InProcessFileSystem.

#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>

#include "harness/inproc/file_system.h"

namespace vfsprof::harness {
namespace {

using vfs::Counter;

constexpr std::size_t kPageBytes = 4096;

/// What a client waits for. A reply from its own thread, the common case, takes no lock.
class PendingWrite {
 public:
  vfs::WriteReply reply() { return {.send = send, .context = this}; }

  Result<std::size_t> wait() {
    if (replied_here_) return result_;
    std::unique_lock lock(mutex_);
    replied_.wait(lock, [this] { return done_; });
    return result_;
  }

 private:
  static void send(const vfs::WriteReply& reply, Result<std::size_t> written) {
    auto& self = *static_cast<PendingWrite*>(reply.context);
    if (::pthread_equal(::pthread_self(), self.waiter_) != 0) {
      self.result_ = written;
      self.replied_here_ = true;
      return;
    }
    // Notified under the lock: the waiter ends this object as soon as it has it.
    const std::lock_guard lock(self.mutex_);
    self.result_ = written;
    self.done_ = true;
    self.replied_.notify_one();
  }

  const pthread_t waiter_ = ::pthread_self();
  bool replied_here_ = false;  ///< only for the waiter
  std::mutex mutex_;           // guards the two below, unless the reply came on the waiter's thread
  bool done_ = false;
  Result<std::size_t> result_ = 0;
  std::condition_variable replied_;
};

/// Puts a payload where a session thread would have received it: the part of the kernel's copy.
vfs::Payload place(std::span<const std::byte> data, vfs::PayloadPages* pages) {
  if (pages == nullptr) return vfs::Payload(data);
  pages->renew();
  const std::size_t in_first = std::min(data.size(), pages->first().size());
  std::memcpy(pages->first().data(), data.data(), in_first);
  if (data.size() > in_first) {
    std::memcpy(pages->rest().data(), data.data() + in_first, data.size() - in_first);
  }
  return {pages->first().first(in_first), pages->rest().first(data.size() - in_first), pages};
}

}  // namespace

Result<std::size_t> InProcessFileSystem::write_piece(const InProcessHandle& open,
                                                     std::span<const std::byte> data,
                                                     std::uint64_t offset,
                                                     vfs::PayloadPages* pages) {
  vfs::count(Counter::kBytesWritten, data.size());
  return request(Counter::kWrites, [&]() -> Result<std::size_t> {
    PendingWrite pending;
    frontend_->write({.inode = open.file->inode,
                      .handle = open.handle,
                      .offset = offset,
                      .payload = place(data, pages)},
                     pending.reply());
    return pending.wait();
  });
}

std::int64_t InProcessFileSystem::write(InProcessHandle& open, std::span<const std::byte> data,
                                        std::uint64_t offset, vfs::PayloadPages* pages) {
  CachedFile& file = *open.file;
  std::unique_lock append(file.append, std::defer_lock);
  if (open.append) {
    append.lock();
    offset = file.size_bytes.load();
  }
  std::size_t done = 0;
  while (done < data.size()) {
    const std::uint64_t at = offset + done;
    // A request ends at a page boundary, as the kernel fills it page by page.
    const std::size_t piece =
        std::min<std::size_t>(options_.max_write - at % kPageBytes, data.size() - done);
    const Result<std::size_t> written = write_piece(open, data.subspan(done, piece), at, pages);
    if (!written) return done > 0 ? static_cast<std::int64_t>(done) : -written.error().value;
    done += *written;
    file.grow(offset + done);
    file.attributes_known.store(false, std::memory_order_relaxed);  // a hint to ask again
    if (*written < piece) break;
  }
  if (open.sync_writes && done > 0) {
    if (const Result<void> synced = sync(open, vfs::SyncScope::kData); !synced) {
      return -synced.error().value;
    }
  }
  return static_cast<std::int64_t>(done);
}

std::int64_t InProcessFileSystem::read(InProcessHandle& open, std::span<std::byte> out,
                                       std::uint64_t offset) {
  CachedFile& file = *open.file;
  const std::uint64_t size_bytes = file.size_bytes.load();
  if (offset >= size_bytes) return 0;
  out = out.first(std::min<std::uint64_t>(out.size(), size_bytes - offset));
  std::size_t done = 0;
  while (done < out.size()) {
    const std::uint64_t at = offset + done;
    const std::size_t piece =
        std::min<std::size_t>(options_.max_write - at % kPageBytes, out.size() - done);
    const Result<std::size_t> got = request(Counter::kReadRequests, [&] {
      return engine_->read(file.inode, open.handle, {.offset = at, .size = piece},
                           out.subspan(done, piece));
    });
    if (!got) return done > 0 ? static_cast<std::int64_t>(done) : -got.error().value;
    // Where no contents are kept, a read gives zeros, up to the size that the file would have.
    done += keeps_data_ ? *got : piece;
    if (keeps_data_ && *got < piece) break;
  }
  file.attributes_known.store(false, std::memory_order_relaxed);  // its time of access
  return static_cast<std::int64_t>(done);
}

}  // namespace vfsprof::harness
