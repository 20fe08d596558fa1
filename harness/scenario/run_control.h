#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "harness/scenario/random.h"

namespace vfsprof::harness {

/// What all clients of a process share: the first failure stops them all; barriers and phases; how
/// many bytes they may yet write; in lockstep, whose turn it is.
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
  /// Waits until all members are here, or have left. In lockstep others have their turns meanwhile.
  void wait_at_barrier(unsigned barrier, unsigned client);
  /// A member is done and will not come any more.
  void leave_barrier(unsigned barrier);
  /// Waits until every client of a lower phase is done.
  void wait_for_phase(unsigned phase);
  /// The client is done: it takes part in no later turn.
  void leave_phase(unsigned phase, unsigned client);

  /// In lockstep the clients take turns, an operation each; the seed draws who is next. Pauses and
  /// paces are left out. `phases`: of each client. `settle` returns once nothing goes on behind the
  /// operation that just ended. Call it before the measured phase starts.
  void use_lockstep(std::vector<unsigned> phases, std::uint64_t seed, std::function<void()> settle);
  bool in_lockstep() const { return !turns_.empty(); }
  void settle() const {
    if (in_lockstep()) settle_();
  }
  /// A client's turn, which it waits for; nothing without lockstep.
  class Turn {
   public:
    Turn(RunControl& control, unsigned client)
        : control_(control.in_lockstep() ? &control : nullptr), client_(client) {
      if (control_ != nullptr) control_->wait_for_turn(client_);
    }
    ~Turn() {
      if (control_ != nullptr) control_->pass_turn(client_);
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    RunControl* control_;
    unsigned client_;
  };

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
  /// Of a client in lockstep.
  struct TurnState {
    unsigned phase = 0;
    bool ready = false;           ///< it may be drawn
    const Barrier* at = nullptr;  ///< the barrier that it waits at
    bool left = false;
  };
  void open_if_complete(Barrier& barrier);
  void wait_for_turn(unsigned client);
  void pass_turn(unsigned client);
  void draw_turn();
  void make_ready();

  std::atomic<bool> stopping_ = false;
  std::atomic<std::int64_t> held_bytes_ = 0;
  std::int64_t budget_bytes_ = INT64_MAX;  ///< set before the clients start
  std::uint64_t origin_ns_ = 0;            ///< set before the measured phase starts
  mutable std::mutex mutex_;               ///< guards what follows
  std::condition_variable changed_;
  std::string failure_;
  std::map<unsigned, Barrier> barriers_;
  std::map<unsigned, unsigned> phases_;  ///< clients that are not done, by phase
  std::vector<TurnState> turns_;         ///< by client; its size is set before the clients start
  std::optional<unsigned> turn_;         ///< whose it is
  Random random_{0};
  std::function<void()> settle_;  ///< set before the clients start
};

/// Wakes up on time. How late wake-ups are on this machine is learnt from those before: a sleep
/// ends as much earlier, and what then is left is spent spinning. On the
/// file system's CPU each turn of that offers the CPU to whoever wants it.
/// Threads: not safe; each client has its own.
class PreciseSleep {
 public:
  /// At most this much is spent spinning before an operation.
  static constexpr std::uint64_t kMostSpinNs = 200'000;

  explicit PreciseSleep(bool shares_cpu = false) : yields_(shares_cpu) {}

  void until(std::uint64_t time_ns, const RunControl& control);

 private:
  const bool yields_;
  std::uint64_t lead_ns_ = kMostSpinNs / 4;
};

/// CLOCK_MONOTONIC.
std::uint64_t now_ns();

}  // namespace vfsprof::harness
