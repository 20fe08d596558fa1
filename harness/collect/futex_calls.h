#pragma once

#include <sys/types.h>

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "reports/model/waits.h"

namespace vfsprof::harness {

/// The name of a futex operation: its number (linux/futex.h), or one of `kOperation...`
/// (bpf/waits_layout.h).
std::string_view futex_operation_name(std::uint32_t operation);

/// What the kernel recorded of one thread at one moment.
struct FutexEvent {
  enum class Kind { kEnter, kExit, kWaking, kSwitchOut, kSwitchIn };
  Kind kind = Kind::kEnter;
  std::uint64_t time_ns = 0;  ///< CLOCK_MONOTONIC
  pid_t tid = 0;
  std::uint64_t call = 0;                    ///< kEnter, kExit: number of the system call
  std::array<std::uint64_t, 6> arguments{};  ///< kEnter
  std::int64_t result = 0;                   ///< kExit
  pid_t wakee = 0;                           ///< kWaking
  std::vector<std::uint64_t> chain;          ///< kEnter: call chain, leaf first, with markers
};

/// Puts futex calls together from events, and adds them up. Pure.
///
/// Calls of whose beginning nothing was recorded are left out. A restarted call is an operation of
/// its own, as in the BPF programs. The word of futex_waitv and futex_requeue lies behind a pointer
/// and is 0.
class FutexCallTable {
 public:
  struct Key {
    pid_t tid = 0;
    std::uint32_t stack = 0;  ///< index into stacks()
    std::uint64_t word = 0;
    std::uint32_t operation = 0;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct WakeupKey {
    pid_t waker = 0;
    pid_t wakee = 0;
    std::uint64_t word = 0;
    friend auto operator<=>(const WakeupKey&, const WakeupKey&) = default;
  };
  struct Wakeups {
    std::uint64_t count = 0;
    reports::Log2Histogram wake_to_run;
  };

  /// In the order of time.
  void add(const FutexEvent& event);

  /// The figures of each key; thread, stack, word and operation are left to the reader.
  const std::map<Key, reports::FutexCalls>& calls() const { return calls_; }
  const std::map<WakeupKey, Wakeups>& wakeups() const { return wakeups_; }
  const std::vector<std::vector<std::uint64_t>>& stacks() const { return stacks_; }

 private:
  struct Thread {
    bool in_call = false;
    bool restarts = false;  ///< the last call ended so that the kernel restarts it
    std::uint64_t entered_ns = 0;
    std::uint64_t left_cpu_ns = 0;  ///< 0: on a CPU
    std::uint64_t off_cpu_ns = 0;   ///< within the call
    std::uint64_t most_woken = 0;
    std::uint64_t woke = 0;
    Key key;
    std::uint64_t woken_ns = 0;  ///< 0: not by a futex call
    WakeupKey woken_by;
  };

  void enter(Thread& thread, const FutexEvent& event);
  void exit(Thread& thread, const FutexEvent& event);
  void wake(Thread& waker, const FutexEvent& event);
  void run(Thread& thread, std::uint64_t now_ns);
  std::uint32_t stack_of(const std::vector<std::uint64_t>& chain);

  std::map<pid_t, Thread> threads_;
  std::map<Key, reports::FutexCalls> calls_;
  std::map<WakeupKey, Wakeups> wakeups_;
  std::vector<std::vector<std::uint64_t>> stacks_;
  std::map<std::vector<std::uint64_t>, std::uint32_t> index_of_stack_;
};

}  // namespace vfsprof::harness
