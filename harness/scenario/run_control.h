#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace vfsprof::harness {

/// What all clients of a process share: the first failure stops them all; barriers and phases; how
/// many bytes they may yet write.
/// Threads: safe. No lock is held while waiting.
class RunControl {
 public:
  /// Stops all clients; the first failure is kept.
  void fail(std::string failure);
  bool stopping() const {
    return stopping_.load(std::memory_order_relaxed);
  }  // relaxed: only a hint to stop
  std::string failure() const;

  /// Sleeps, but not beyond a failure.
  void pause(std::chrono::nanoseconds duration);
  /// Sleeps until a time of CLOCK_MONOTONIC, or a little longer; not long beyond a failure.
  void sleep_until(std::uint64_t time_ns) const;

  /// Before the clients start: how many take part in a barrier, and in a phase.
  void join_barrier(unsigned barrier) { ++barriers_[barrier].members; }
  void join_phase(unsigned phase) { ++phases_[phase]; }
  /// Waits until all members are here, or have left.
  void wait_at_barrier(unsigned barrier);
  /// A member is done and will not come any more.
  void leave_barrier(unsigned barrier);
  /// Waits until every client of a lower phase is done.
  void wait_for_phase(unsigned phase);
  void leave_phase(unsigned phase);

  /// Bytes that files may hold, all clients together.
  void set_budget(std::uint64_t bytes) { budget_bytes_ = static_cast<std::int64_t>(bytes); }
  /// Counts bytes that are about to be added. Returns false where they exceed the budget.
  bool reserve(std::int64_t bytes) {
    return held_bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= budget_bytes_;
  }  // relaxed: a count that guards no other memory
  void release(std::int64_t bytes) { held_bytes_.fetch_sub(bytes, std::memory_order_relaxed); }

  /// When the measured phase began, CLOCK_MONOTONIC; slices of time count from here.
  void set_origin(std::uint64_t time_ns) { origin_ns_ = time_ns; }
  std::uint64_t origin_ns() const { return origin_ns_; }

 private:
  struct Barrier {
    unsigned members = 0;
    unsigned here = 0;
    std::uint64_t passed = 0;
  };
  void open_if_complete(Barrier& barrier);

  std::atomic<bool> stopping_ = false;
  std::atomic<std::int64_t> held_bytes_ = 0;
  std::int64_t budget_bytes_ = INT64_MAX;  ///< set before the clients start
  std::uint64_t origin_ns_ = 0;            ///< set before the measured phase starts
  mutable std::mutex mutex_;               ///< guards what follows
  std::condition_variable changed_;
  std::string failure_;
  std::map<unsigned, Barrier> barriers_;
  std::map<unsigned, unsigned> phases_;  ///< clients that are not done, by phase
};

/// Wakes up on time. How late wake-ups are on this machine is learnt from those before: a sleep
/// ends as much earlier, and what then is left is spent spinning.
/// Threads: not safe; each client has its own.
class PreciseSleep {
 public:
  /// At most this much is spent spinning before an operation.
  static constexpr std::uint64_t kMostSpinNs = 200'000;

  void until(std::uint64_t time_ns, const RunControl& control);

 private:
  std::uint64_t lead_ns_ = kMostSpinNs / 4;
};

/// CLOCK_MONOTONIC.
std::uint64_t now_ns();

}  // namespace vfsprof::harness
