#pragma once

#include <time.h>

#include <cstdint>

namespace vfsprof::harness {

/// The time of a clock (clock_gettime(2)) in nanoseconds.
inline std::uint64_t clock_ns(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(time.tv_nsec);
}

}  // namespace vfsprof::harness
