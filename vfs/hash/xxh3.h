#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

// The functions are compiled in, so that a key's fixed length picks the branch at compile time.
#ifndef XXH_INLINE_ALL
#define XXH_INLINE_ALL
#endif
#include <xxhash.h>

#include "vfs/hash/hash.h"

namespace vfsprof::vfs {

/// XXH3 of 64 bits, without a seed. Not keyed.
/// Cost: two 128-bit products for 17 to 32 bytes, one for 9 to 16, and a final mix: about 4 ns for
/// 16 bytes. Of 20 bytes it reads the last 16 as words that straddle the key's own, so it waits
/// until these are stored: about 9 ns.
/// Source: Collet, xxHash 0.8 (XXH3_64bits), from Debian's libxxhash.
struct Xxh3 {
  static constexpr std::string_view kName = "xxh3";
  static constexpr std::string_view kSummary = "XXH3 of 64 bits: wide products of input and secret";
  static constexpr WellMixed kWellMixed = WellMixed::kAll;

  std::uint64_t operator()(std::span<const std::byte> bytes) const {
    return XXH3_64bits(bytes.data(), bytes.size());
  }
};

}  // namespace vfsprof::vfs
