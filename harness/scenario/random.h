#pragma once

#include <cstdint>

namespace vfsprof::harness {

/// A small generator of equally distributed 64-bit numbers, the same on every machine.
/// Source: SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA
/// 2014).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() { return mix(state_ += 0x9e3779b97f4a7c15); }
  /// A number below `limit`; its bias is below limit / 2^64.
  std::uint64_t below(std::uint64_t limit) { return next() % limit; }

  /// The generator's output function: a bijection whose results look unrelated.
  static std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t state_;
};

}  // namespace vfsprof::harness
