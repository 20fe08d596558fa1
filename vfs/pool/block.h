#pragma once

#include <cstdint>

#include "vfs/pool/block_bytes.h"

namespace vfsprof::vfs {

/// The cached data of one chunk of one file. Bytes beyond `data` up to the end of the chunk are
/// zeros.
struct Block {
  BlockBytes data;
  std::uint64_t version = 0;  ///< raised by each change, so that a write-back knows whether what it
                              ///< wrote is still there
  bool dirty = false;         ///< holds data that is nowhere else; such a block must not be evicted
};

}  // namespace vfsprof::vfs
