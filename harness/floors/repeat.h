#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

#include "harness/floors/floors.h"

namespace vfsprof::harness {

/// How often to measure, and how long each time at least.
struct Repeats {
  unsigned count = 0;
  std::chrono::nanoseconds each{0};
};

/// As many and as long as a full or a quick measurement takes. At least six, which an exact 95 %
/// interval of a median needs.
Repeats repeats_for(const FloorOptions& options);

/// Calls `run(n)`, which does the thing n times, and gives nanoseconds per time, one value for each
/// repeat. A search for the n that takes long enough goes first; it warms up as well.
std::vector<double> time_repeats(const Repeats& repeats,
                                 const std::function<void(std::uint64_t)>& run);

/// Nanoseconds per unit of `bytes` bytes as 10^9 bytes per second.
std::vector<double> to_gigabytes_per_second(std::vector<double> ns, std::uint64_t bytes);

/// Nanoseconds that `action` takes.
double time_once(const std::function<void()>& action);

}  // namespace vfsprof::harness
