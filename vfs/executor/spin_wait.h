#pragma once

#include <chrono>

#include "vfs/base/spin_lock.h"

namespace vfsprof::vfs {

/// How long a thread that waits spins before it parks. Zero: it parks at once.
using SpinLimit = std::chrono::nanoseconds;
inline constexpr SpinLimit kNoSpin{0};

/// Spins until `ready()` or until the limit has passed; returns the last `ready()`.
/// The clock is read once in a few pauses, as reading it costs as much as they do.
template <class Ready>
bool spin_until(SpinLimit limit, Ready ready) {
  if (limit == kNoSpin) return ready();
  constexpr int kPausesPerClock = 8;
  const auto deadline = std::chrono::steady_clock::now() + limit;
  do {
    for (int i = 0; i < kPausesPerClock; ++i) {
      if (ready()) return true;
      pause_cpu();
    }
  } while (std::chrono::steady_clock::now() < deadline);
  return ready();
}

}  // namespace vfsprof::vfs
