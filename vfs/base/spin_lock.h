#pragma once

#include <sched.h>

#include <atomic>

namespace vfsprof {

/// Tells the CPU that this thread waits in a loop: it spends less power and leaves the other
/// hyper-thread more.
inline void pause_cpu() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// A lock that is held for less than a microsecond. Waiting spins, then gives the CPU away with
/// sched_yield; it never sleeps, so that neither locking nor unlocking is ever a futex call. Cost
/// uncontended: one atomic exchange and one store. Source: test-and-test-and-set, as in oneTBB's
/// spin_mutex. Threads: safe; a BasicLockable.
class SpinLock {
 public:
  void lock() {
    // Acquire and release pair up: who locks sees what the last holder wrote.
    if (!held_.exchange(true, std::memory_order_acquire)) [[likely]]
      return;
    wait();
  }
  bool try_lock() { return !held_.exchange(true, std::memory_order_acquire); }
  void unlock() { held_.store(false, std::memory_order_release); }

 private:
  // The holder may be off its CPU: on one CPU spinning longer would only keep it from finishing.
  static constexpr int kSpinsBeforeYield = 64;

  [[gnu::noinline, gnu::cold]] void wait() {
    do {
      for (int spins = 0; held_.load(std::memory_order_relaxed); ++spins) {
        if (spins < kSpinsBeforeYield) {
          pause_cpu();
        } else {
          ::sched_yield();
        }
      }
    } while (held_.exchange(true, std::memory_order_acquire));
  }

  std::atomic<bool> held_{false};
};

}  // namespace vfsprof
