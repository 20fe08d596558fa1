#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace vfsprof::vfs {

/// Whether a counter repeats exactly from run to run in lockstep mode (harness/scenario/README.md):
/// no clock, schedule or address has a say in it. Others only come close (count-like), or are
/// times.
enum class Stability { kExact, kCountLike, kTimeLike };

constexpr std::string_view to_string(Stability stability) {
  constexpr std::array<std::string_view, 3> kNames{"exact", "count-like", "time-like"};
  return kNames[static_cast<std::size_t>(stability)];
}

/// The daemon's own counters, kept per thread in a shared memory page that a reader maps without
/// stopping anybody.
///
/// A new counter is one line in VFSPROF_COUNTERS: name, unit, stability, what it counts. All
/// count up from zero. The kinds of requests add up to `fuse_requests`.
#define VFSPROF_COUNTERS(X)                                                                        \
  X(kRequests, "fuse_requests", "requests", kCountLike,                                            \
    "requests processed, by FUSE or in process")                                                   \
  X(kSplicedRequests, "spliced_requests", "requests", kCountLike,                                  \
    "FUSE requests that came by splice")                                                           \
  X(kWrites, "fuse_writes", "requests", kExact, "write requests processed, by FUSE or in process") \
  X(kBytesWritten, "bytes_written", "bytes", kExact, "payload of write requests")                  \
  X(kBytesCopied, "bytes_copied", "bytes", kExact, "bytes copied in user space by writes")         \
  X(kBytesCopiedByFlush, "bytes_copied_by_flush", "bytes", kExact,                                 \
    "bytes copied in user space by flushes")                                                       \
  X(kBytesZeroed, "bytes_zeroed", "bytes", kExact, "bytes zero-filled as chunks grow")             \
  X(kBytesHashed, "bytes_hashed", "bytes", kExact, "key bytes fed to the block hash")              \
  X(kHandOffs, "hand_offs", "tasks", kExact, "tasks handed to another thread")                     \
  X(kThreadWakes, "thread_wakes", "wakes", kCountLike, "parked threads woken by a hand-off")       \
  X(kPoolInserts, "pool_inserts", "blocks", kExact, "blocks inserted into the pool")               \
  X(kPoolEvictions, "pool_evictions", "blocks", kExact, "clean blocks evicted from the pool")      \
  X(kPoolBytesPeak, "pool_bytes_peak", "bytes", kExact, "the most that the pool has held")         \
  X(kFlushes, "flushes", "files", kExact, "files written back to the disk cache")                  \
  X(kFlushBatches, "flush_batches", "batches", kExact, "batches of dirty chunks written behind")   \
  X(kBytesFlushed, "bytes_flushed", "bytes", kExact, "bytes written to the disk cache")            \
  X(kCacheSyncs, "cache_syncs", "calls", kExact, "fsync calls on the disk cache")                  \
  X(kDirectIoFallbacks, "direct_io_fallbacks", "files", kExact,                                    \
    "files written back without direct I/O")                                                       \
  X(kLookupRequests, "requests_lookup", "requests", kExact, "lookup requests")                     \
  X(kGetattrRequests, "requests_getattr", "requests", kExact, "getattr requests")                  \
  X(kSetattrRequests, "requests_setattr", "requests", kExact, "setattr requests")                  \
  X(kReadlinkRequests, "requests_readlink", "requests", kExact, "readlink requests")               \
  X(kSymlinkRequests, "requests_symlink", "requests", kExact, "symlink requests")                  \
  X(kMknodRequests, "requests_mknod", "requests", kExact, "mknod requests")                        \
  X(kMkdirRequests, "requests_mkdir", "requests", kExact, "mkdir requests")                        \
  X(kUnlinkRequests, "requests_unlink", "requests", kExact, "unlink requests")                     \
  X(kRmdirRequests, "requests_rmdir", "requests", kExact, "rmdir requests")                        \
  X(kRenameRequests, "requests_rename", "requests", kExact, "rename requests")                     \
  X(kLinkRequests, "requests_link", "requests", kExact, "link requests")                           \
  X(kOpenRequests, "requests_open", "requests", kExact, "open requests")                           \
  X(kReadRequests, "requests_read", "requests", kExact, "read requests")                           \
  X(kStatfsRequests, "requests_statfs", "requests", kExact, "statfs requests")                     \
  X(kReleaseRequests, "requests_release", "requests", kExact, "release requests")                  \
  X(kFsyncRequests, "requests_fsync", "requests", kExact, "fsync requests")                        \
  X(kFlushRequests, "requests_flush", "requests", kExact, "flush requests")                        \
  X(kOpendirRequests, "requests_opendir", "requests", kExact, "opendir requests")                  \
  X(kReaddirRequests, "requests_readdir", "requests", kExact, "readdir requests")                  \
  X(kReleasedirRequests, "requests_releasedir", "requests", kExact, "releasedir requests")         \
  X(kFsyncdirRequests, "requests_fsyncdir", "requests", kExact, "fsyncdir requests")               \
  X(kCreateRequests, "requests_create", "requests", kExact, "create requests")                     \
  X(kForgetRequests, "requests_forget", "requests", kCountLike,                                    \
    "forget requests, one or many inodes each")                                                    \
  X(kInterruptRequests, "requests_interrupt", "requests", kCountLike, "interrupt requests")        \
  X(kOtherRequests, "requests_other", "requests", kExact, "requests of any other kind")

enum class Counter : std::uint32_t {
#define X(id, name, unit, stability, what) id,
  VFSPROF_COUNTERS(X)
#undef X
      kCount
};

inline constexpr std::size_t kCounterCount = static_cast<std::size_t>(Counter::kCount);

struct CounterInfo {
  std::string_view name;
  std::string_view unit;
  Stability stability;
  std::string_view what;
};

inline constexpr std::array<CounterInfo, kCounterCount> kCounters{{
#define X(id, name, unit, stability, what) {name, unit, Stability::stability, what},
    VFSPROF_COUNTERS(X)
#undef X
}};

/// The layout of the page: self-describing, so that a reader of another build can read it.
struct CounterPage {
  static constexpr std::uint64_t kMagic = 0x3267507263736656;  // "VfscrPg2"
  static constexpr std::size_t kMaxThreads = 128;
  static constexpr std::size_t kMaxCounters = 64;
  static constexpr std::size_t kNameSize = 32;
  struct Description {
    char name[kNameSize];
    char unit[kNameSize];
    char stability[kNameSize];
  };
  /// One thread's counters; only that thread writes them. A thread gives its slot back when it ends
  /// (`tid` 0); the next thread goes on from the values it finds, so sums only grow. Threads beyond
  /// `kMaxThreads - 1` at a time share the last slot (`tid` -1), where counts can get lost.
  struct alignas(64) Slot {
    std::atomic<std::int32_t> tid;
    std::atomic<std::uint64_t> values[kMaxCounters];
  };
  std::atomic<std::uint64_t> magic;  ///< set last: a page without it is not ready
  std::uint32_t counter_count;
  std::atomic<std::uint32_t> slot_count;
  Description descriptions[kMaxCounters];
  Slot slots[kMaxThreads];
};
static_assert(kCounterCount <= CounterPage::kMaxCounters);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

/// Publishes the counters in `file` (created or truncated). Without a call they are kept in private
/// memory. Call it once, before the first thread counts. Returns false with errno set if the file
/// cannot be mapped; EBUSY if a thread has counted already.
bool publish_counters(const char* file);

namespace detail {
CounterPage::Slot& claim_slot();
/// The calling thread's slot.
inline CounterPage::Slot& this_thread_slot() {
  thread_local CounterPage::Slot* slot = nullptr;
  if (slot == nullptr) [[unlikely]]
    slot = &claim_slot();
  return *slot;
}
}  // namespace detail

/// Adds to a counter of the calling thread. About 1 ns: a load and a store, no locked instruction.
/// Threads: each thread writes its own slot; memory order relaxed, as a reader only sums.
inline void count(Counter counter, std::uint64_t amount = 1) {
  auto& value = detail::this_thread_slot().values[static_cast<std::size_t>(counter)];
  value.store(value.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

/// The sum of a counter over all threads of this process.
std::uint64_t total(Counter counter);

}  // namespace vfsprof::vfs
