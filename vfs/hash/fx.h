#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "vfs/hash/hash.h"

namespace vfsprof::vfs {

/// FxHash: one rotation, one exclusive-or and one multiplication a word. Not keyed: whoever chooses
/// the keys can make them collide; the keys here are inode numbers, which nobody outside chooses.
/// Cost: about 1 ns a word.
/// Source: Firefox's hash, as published in rustc-hash 1 (words of 8 bytes, then 4, 2 and 1).
struct Fx {
  static constexpr std::string_view kName = "fx";
  static constexpr std::string_view kSummary = "FxHash: rotate, xor and multiply, word by word";
  static constexpr WellMixed kWellMixed = WellMixed::kHighHalf;

  std::uint64_t operator()(std::span<const std::byte> bytes) const {
    std::uint64_t hash = 0;
    while (bytes.size() >= 8) add<std::uint64_t>(hash, bytes);
    if (bytes.size() >= 4) add<std::uint32_t>(hash, bytes);
    if (bytes.size() >= 2) add<std::uint16_t>(hash, bytes);
    if (!bytes.empty()) add<std::uint8_t>(hash, bytes);
    return hash;
  }

 private:
  template <class Word>
  static void add(std::uint64_t& hash, std::span<const std::byte>& bytes) {
    Word word;
    std::memcpy(&word, bytes.data(), sizeof word);
    bytes = bytes.subspan(sizeof word);
    hash = (std::rotl(hash, 5) ^ word) * 0x517cc1b727220a95;
  }
};

}  // namespace vfsprof::vfs
