#include <fmt/format.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "harness/floors/floors.h"
#include "harness/floors/repeat.h"
#include "vfs/base/spin_lock.h"

namespace vfsprof::harness {
namespace {

/// A word that one thread sets and the other waits for, on a cache line of its own.
struct alignas(64) Word {
  std::atomic<std::uint32_t> value{0};
};

struct Spin {
  // Acquire and release: a round trip hands over what was written before it.
  static void set(Word& word, std::uint32_t value) {
    word.value.store(value, std::memory_order_release);
  }
  /// Waits for another value than `old`, and gives it.
  static std::uint32_t wait_while(Word& word, std::uint32_t old) {
    std::uint32_t seen = word.value.load(std::memory_order_acquire);
    while (seen == old) {
      pause_cpu();
      seen = word.value.load(std::memory_order_acquire);
    }
    return seen;
  }
};

struct Park {
  static void set(Word& word, std::uint32_t value) {
    Spin::set(word, value);
    ::syscall(SYS_futex, &word.value, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  }
  static std::uint32_t wait_while(Word& word, std::uint32_t old) {
    std::uint32_t seen = word.value.load(std::memory_order_acquire);
    while (seen == old) {
      // Returns at once where the word has changed meanwhile.
      ::syscall(SYS_futex, &word.value, FUTEX_WAIT_PRIVATE, old, nullptr, nullptr, 0);
      seen = word.value.load(std::memory_order_acquire);
    }
    return seen;
  }
};

constexpr std::uint32_t kEnd = UINT32_MAX;

/// Two threads that answer each other, this one on the daemon's side, the other on the clients'.
template <class How>
FloorReading measure_round_trip(const FloorOptions& options, const Repeats& repeats) {
  Word there, back;
  std::jthread partner([&, placement = options.placement] {
    place_current_thread(placement, Side::kClient);
    for (std::uint32_t seen = How::wait_while(there, 0); seen != kEnd;
         seen = How::wait_while(there, seen)) {
      How::set(back, seen);
    }
  });
  std::uint32_t turn = 0;
  FloorReading reading;
  reading.values = time_repeats(repeats, [&](std::uint64_t times) {
    for (std::uint64_t i = 0; i < times; ++i) {
      How::set(there, turn + 1);
      turn = How::wait_while(back, turn);
    }
  });
  How::set(there, kEnd);
  return reading;
}

std::string where(const FloorOptions& options) {
  if (!can_place(options.placement)) return "both threads on the only CPU";
  switch (options.placement) {
    case Placement::kPacked:
      return "packed: both threads on one CPU";
    case Placement::kSplit:
      return "split: each thread on a CPU of its own";
    case Placement::kFree:
      break;
  }
  return "free: threads wherever the scheduler puts them";
}

}  // namespace

FloorReading measure_system_call(const FloorOptions& options) {
  return {.values = time_repeats(repeats_for(options),
                                 [](std::uint64_t times) {
                                   for (std::uint64_t i = 0; i < times; ++i) ::syscall(SYS_getppid);
                                 }),
          .conditions = "getppid"};
}

FloorReading measure_round_trip_spin(const FloorOptions& options) {
  FloorReading reading = measure_round_trip<Spin>(options, repeats_for(options));
  reading.conditions = where(options);
  if (options.placement == Placement::kPacked || !can_place(options.placement)) {
    reading.conditions += ", so each turn lasts until the scheduler takes the CPU away";
  }
  return reading;
}

FloorReading measure_round_trip_park(const FloorOptions& options) {
  FloorReading reading = measure_round_trip<Park>(options, repeats_for(options));
  reading.conditions = where(options) + ", two wake-ups and two waits";
  return reading;
}

}  // namespace vfsprof::harness
