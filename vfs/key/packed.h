#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "vfs/base/ids.h"

namespace vfsprof::vfs {

/// A 16-byte key: inode and chunk, a machine word each.
/// Cost: 16 bytes hashed and compared a look-up, in two words without a remainder.
/// Source: the (inode, chunk) index of the system in the analysis document, without its tag.
class Packed {
 public:
  static constexpr std::string_view kName = "packed";
  static constexpr std::string_view kSummary = "16-byte key: inode and chunk, a word each";

  Packed(InodeId inode, ChunkIndex chunk) : words_{inode.value, chunk.value} {}

  InodeId inode() const { return {words_[0]}; }
  ChunkIndex chunk() const { return {static_cast<std::uint32_t>(words_[1])}; }
  std::span<const std::byte> bytes() const { return std::as_bytes(std::span(words_)); }

  friend bool operator==(const Packed&, const Packed&) = default;

 private:
  std::array<std::uint64_t, 2> words_;
};
static_assert(sizeof(Packed) == 16);

}  // namespace vfsprof::vfs
