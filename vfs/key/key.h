#pragma once

#include <concepts>
#include <cstddef>
#include <span>
#include <string_view>

#include "vfs/base/ids.h"

namespace vfsprof::vfs {

/// The key of a block: which chunk of which file it caches.
///
/// | expression | type | meaning |
/// |---|---|---|
/// | `K::kName`, `K::kSummary` | string_view | its name on the command line, what it stands for |
/// | `K(inode, chunk)` | | two keys are equal if and only if both parts are |
/// | `key.inode()`, `key.chunk()` | InodeId, ChunkIndex | the parts |
/// | `key.bytes()` | span of bytes | what is hashed; the same for equal keys and no others |
template <class K>
concept Key = std::copyable<K> && std::equality_comparable<K> &&
              std::constructible_from<K, InodeId, ChunkIndex> && requires(const K& key) {
                { K::kName } -> std::convertible_to<std::string_view>;
                { K::kSummary } -> std::convertible_to<std::string_view>;
                { key.inode() } -> std::same_as<InodeId>;
                { key.chunk() } -> std::same_as<ChunkIndex>;
                { key.bytes() } -> std::convertible_to<std::span<const std::byte>>;
              };

}  // namespace vfsprof::vfs
