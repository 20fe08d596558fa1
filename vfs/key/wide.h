#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "vfs/base/ids.h"

namespace vfsprof::vfs {

/// A 20-byte key: an 8-byte tag that says what kind of block it names, the 8-byte inode, the 4-byte
/// chunk. Cost: 20 bytes hashed and compared a look-up. Source: the block key of the system in the
/// analysis document, a tagged union whose tag is hashed with it.
class Wide {
 public:
  static constexpr std::string_view kName = "wide";
  static constexpr std::string_view kSummary = "20-byte tagged key: tag, inode, chunk, as found";

  Wide(InodeId inode, ChunkIndex chunk) {
    std::memcpy(&bytes_[0], &kFileData, sizeof kFileData);
    std::memcpy(&bytes_[8], &inode.value, sizeof inode.value);
    std::memcpy(&bytes_[16], &chunk.value, sizeof chunk.value);
  }

  InodeId inode() const {
    InodeId inode;
    std::memcpy(&inode.value, &bytes_[8], sizeof inode.value);
    return inode;
  }
  ChunkIndex chunk() const {
    ChunkIndex chunk;
    std::memcpy(&chunk.value, &bytes_[16], sizeof chunk.value);
    return chunk;
  }
  std::span<const std::byte> bytes() const { return bytes_; }

  friend bool operator==(const Wide&, const Wide&) = default;

 private:
  static constexpr std::uint64_t kFileData = 1;  // the only kind of block that the pool holds

  std::array<std::byte, 20> bytes_;
};
static_assert(sizeof(Wide) == 20);

}  // namespace vfsprof::vfs
