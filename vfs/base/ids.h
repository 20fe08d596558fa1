#pragma once

#include <compare>
#include <cstdint>

namespace vfsprof {

/// A number that cannot be mistaken for one of another kind.
template <class Tag, class Value = std::uint64_t>
struct StrongId {
  Value value = 0;
  friend constexpr auto operator<=>(const StrongId&, const StrongId&) = default;
};

/// An inode of the reference file system; 1 is the root.
using InodeId = StrongId<struct InodeTag>;
/// The index of a chunk within its file: byte offset / chunk size.
using ChunkIndex = StrongId<struct ChunkTag, std::uint32_t>;
/// An open file or directory.
using HandleId = StrongId<struct HandleTag>;

inline constexpr InodeId kRootInode{1};

}  // namespace vfsprof
