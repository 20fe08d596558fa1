#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "vfs/word_names.h"

namespace vfsprof::vfs {

/// What the daemon itself knows of its waits, its wakes and its requests: for who may not trace the
/// kernel. A reader maps the page and asks for it with `wanted`; until then, and where nobody
/// waits, nothing is counted and no clock is read.
struct WaitPage {
  static constexpr std::uint64_t kMagic = 0x3167507469617656;  // "VvaitPg1"
  static constexpr std::size_t kMaxCells = 1024;
  static constexpr std::size_t kMaxOpcodes = 64;
  static constexpr std::size_t kMaxBuckets = 40;  ///< durations of [2^i, 2^(i+1)) ns
  static constexpr std::size_t kNameSize = 32;

  struct Durations {
    std::atomic<std::uint64_t> sum_ns;
    std::atomic<std::uint64_t> buckets[kMaxBuckets];
  };
  /// One thread at the words of one name.
  struct Cell {
    std::atomic<std::uint64_t> key;  ///< 0: free
    std::atomic<bool> ready;         ///< set after the two below
    WordPurpose purpose;
    char name[kNameSize];
    std::int32_t tid;
    std::atomic<std::uint64_t> waits;
    std::atomic<std::uint64_t> wakes;  ///< calls that woke a waiting thread
    Durations wait;
  };
  /// All requests of one FUSE opcode that were replied to.
  struct Requests {
    std::atomic<std::uint64_t> count;
    std::atomic<std::uint64_t> errors;
    Durations daemon;  ///< from the read of the request to the system call that replies
    Durations reply;   ///< in that call
  };

  std::atomic<std::uint64_t> magic;   ///< set last: a page without it is not ready
  std::atomic<std::uint32_t> wanted;  ///< written by readers: how many there are
  std::atomic<std::uint64_t> lost;    ///< waits and wakes for which there was no cell
  /// Replies that are not among `requests`: read before anybody read along, or too many at a time.
  std::atomic<std::uint64_t> unstamped;
  Cell cells[kMaxCells];
  Requests requests[kMaxOpcodes];
};

/// Publishes the page in `file` (created or truncated). Without a call it is kept in private
/// memory. Returns false with errno set if the file cannot be mapped. Call it before the first
/// thread starts.
bool publish_wait_counts(const char* file);

namespace detail {
WaitPage& wait_page();
extern constinit std::atomic<std::uint32_t>* waits_wanted;
void count_wait(std::string_view name, WordPurpose purpose, std::chrono::nanoseconds duration);
void count_wake(std::string_view name, WordPurpose purpose);
}  // namespace detail

/// Whether somebody reads along. A load of a line that hardly ever changes.
inline bool waits_are_counted() {
  return detail::waits_wanted->load(std::memory_order_relaxed) != 0;
}

/// Runs `wait`, which may block at the words of this name, and counts it. For the slow path: where
/// it is clear that the thread must wait.
template <class Wait>
void counted_wait(std::string_view name, WordPurpose purpose, Wait&& wait) {
  if (!waits_are_counted()) {
    wait();
    return;
  }
  const auto started = std::chrono::steady_clock::now();
  wait();
  detail::count_wait(name, purpose, std::chrono::steady_clock::now() - started);
}

/// Counts a wake-up of a waiting thread.
inline void counted_wake(std::string_view name, WordPurpose purpose) {
  if (waits_are_counted()) detail::count_wake(name, purpose);
}

/// Adds one duration. Threads: safe; memory order relaxed, as a reader only sums.
void add(WaitPage::Durations& durations, std::chrono::nanoseconds duration);

}  // namespace vfsprof::vfs
