#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string_view>

#include "vfs/hash/hash.h"

namespace vfsprof::vfs {

/// What a program gets that hashes the parts of its key with std::hash and combines them. In
/// libstdc++ and libc++ std::hash of an integer is the integer itself, so all mixing is the
/// combination's. Small inodes and chunks leave the high third of it empty, so `KeyHasher`
/// multiplies it, as Boost's containers do with hashes that do not avalanche.
/// Cost: two shifts, three additions and an exclusive-or a word (8 bytes, then 4, 2 and 1), and the
/// multiplication: about 2 ns.
/// Source: the C++ standard, [unord.hash]; boost::hash_combine as it was up to Boost 1.80.
struct Std {
  static constexpr std::string_view kName = "std";
  static constexpr std::string_view kSummary =
      "std::hash of each word, combined as boost::hash_combine does";
  static constexpr WellMixed kWellMixed = WellMixed::kNone;

  std::uint64_t operator()(std::span<const std::byte> bytes) const {
    std::uint64_t hash = 0;
    while (bytes.size() >= 8) combine<std::uint64_t>(hash, bytes);
    if (bytes.size() >= 4) combine<std::uint32_t>(hash, bytes);
    if (bytes.size() >= 2) combine<std::uint16_t>(hash, bytes);
    if (!bytes.empty()) combine<std::uint8_t>(hash, bytes);
    return hash;
  }

 private:
  template <class Word>
  static void combine(std::uint64_t& hash, std::span<const std::byte>& bytes) {
    Word word;
    std::memcpy(&word, bytes.data(), sizeof word);
    bytes = bytes.subspan(sizeof word);
    hash ^= std::hash<Word>()(word) + 0x9e3779b9 + (hash << 6) + (hash >> 2);
  }
};

}  // namespace vfsprof::vfs
