#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "vfs/hash/hash.h"

namespace vfsprof::vfs {

/// wyhash, final version 4, with its default secret. Not keyed: the seed is 0.
/// Cost: four dependent 128-bit products for 17 to 32 bytes, three for up to 16, of which the first
/// depends on the seed alone: about 3 ns for 16 bytes. Of 20 bytes it reads the last 16 as words
/// that straddle the key's own, so it waits until these are stored: about 8 ns.
/// Source: Wang Yi, wyhash, final version 4.2 (Go's and Zig's maps use earlier versions of it).
class Wyhash {
 public:
  static constexpr std::string_view kName = "wyhash";
  static constexpr std::string_view kSummary = "wyhash 4: 128-bit products folded to 64 bits";
  static constexpr WellMixed kWellMixed = WellMixed::kAll;

  Wyhash() = default;
  explicit Wyhash(std::uint64_t seed) : seed_(seed) {}

  std::uint64_t operator()(std::span<const std::byte> bytes) const {
    const std::uint64_t length = bytes.size();
    std::uint64_t state = seed_ ^ fold(seed_ ^ kSecret[0], kSecret[1]);
    const Tail tail = bytes.size() <= 16 ? short_tail(bytes) : long_tail(bytes, state);
    const Uint128 product = multiply(tail.first ^ kSecret[1], tail.second ^ state);
    return fold(low(product) ^ kSecret[0] ^ length, high(product) ^ kSecret[1]);
  }

 private:
  static_assert(std::endian::native == std::endian::little);
  __extension__ using Uint128 = unsigned __int128;
  static constexpr std::array<std::uint64_t, 4> kSecret{0x2d358dccaa6c78a5, 0x8bb84b93962eacc9,
                                                        0x4b33a62ed433d4a3, 0x4d5a2da51de1aa47};

  /// The last 16 bytes of a message; a shorter one is spread over both words.
  struct Tail {
    std::uint64_t first = 0;
    std::uint64_t second = 0;
  };

  static std::uint64_t low(Uint128 value) { return static_cast<std::uint64_t>(value); }
  static std::uint64_t high(Uint128 value) { return static_cast<std::uint64_t>(value >> 64); }
  static Uint128 multiply(std::uint64_t a, std::uint64_t b) { return Uint128{a} * b; }
  static std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
    const Uint128 product = multiply(a, b);
    return low(product) ^ high(product);
  }

  template <class Word = std::uint64_t>
  static std::uint64_t word(const std::byte* at) {
    Word value;
    std::memcpy(&value, at, sizeof value);
    return value;
  }

  static Tail short_tail(std::span<const std::byte> bytes) {
    const std::byte* const begin = bytes.data();
    const std::size_t size = bytes.size();
    if (size >= 4) {
      // From 8 bytes on the inner words come in; below, each word is the same one twice.
      const std::size_t step = size / 8 * 4;
      const std::byte* const last = begin + size - 4;
      return {word<std::uint32_t>(begin) << 32 | word<std::uint32_t>(begin + step),
              word<std::uint32_t>(last) << 32 | word<std::uint32_t>(last - step)};
    }
    if (size == 0) return {};
    return {std::to_integer<std::uint64_t>(bytes[0]) << 16 |
                std::to_integer<std::uint64_t>(bytes[size / 2]) << 8 |
                std::to_integer<std::uint64_t>(bytes[size - 1]),
            0};
  }

  /// Takes all but the last bytes into `state`.
  static Tail long_tail(std::span<const std::byte> bytes, std::uint64_t& state) {
    const std::byte* at = bytes.data();
    std::size_t left = bytes.size();
    const auto mix = [&](std::size_t lane, std::uint64_t lane_state) {
      return fold(word(at + 16 * lane) ^ kSecret[lane + 1], word(at + 16 * lane + 8) ^ lane_state);
    };
    if (left >= 48) {
      std::array<std::uint64_t, 3> lanes{state, state, state};
      for (; left >= 48; left -= 48, at += 48) {
        for (std::size_t lane = 0; lane < lanes.size(); ++lane)
          lanes[lane] = mix(lane, lanes[lane]);
      }
      state = lanes[0] ^ lanes[1] ^ lanes[2];
    }
    for (; left > 16; left -= 16, at += 16) state = mix(0, state);
    return {word(at + left - 16), word(at + left - 8)};
  }

  std::uint64_t seed_ = 0;
};

}  // namespace vfsprof::vfs
