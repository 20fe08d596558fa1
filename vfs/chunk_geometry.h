#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "vfs/base/ids.h"
#include "vfs/base/result.h"
#include "vfs/engine.h"

namespace vfsprof::vfs {

/// The part of a range that lies in one chunk.
struct ChunkPart {
  ChunkIndex chunk;
  std::size_t offset_in_chunk = 0;  ///< bytes
  std::size_t offset_in_range = 0;  ///< bytes
  std::size_t size = 0;             ///< bytes
};

/// How files are cut into chunks of one size, a power of two.
struct ChunkGeometry {
  std::uint64_t chunk_bytes = 0;

  ChunkIndex chunk_of(std::uint64_t offset) const {
    return {static_cast<std::uint32_t>(offset / chunk_bytes)};
  }
  std::uint64_t start_of(ChunkIndex chunk) const { return chunk.value * chunk_bytes; }

  /// Whether a file may hold this range: file offsets have 63 bits, chunk numbers 32.
  bool fits(std::uint64_t offset, std::uint64_t size) const {
    constexpr std::uint64_t kMaxOffset = std::numeric_limits<std::int64_t>::max();
    if (size > kMaxOffset || offset > kMaxOffset - size) return false;
    return size == 0 ||
           (offset + size - 1) / chunk_bytes <= std::numeric_limits<std::uint32_t>::max();
  }

  /// Calls `visit(ChunkPart)` for the parts of a range that fits, in order, until one fails.
  template <class Visit>
  Result<void> for_each_part(FileRange range, Visit&& visit) const {
    for (std::size_t done = 0; done < range.size;) {
      const std::uint64_t offset = range.offset + done;
      const std::uint64_t in_chunk = offset % chunk_bytes;
      const std::size_t size = std::min<std::uint64_t>(range.size - done, chunk_bytes - in_chunk);
      const Result<void> visited = visit(ChunkPart{.chunk = chunk_of(offset),
                                                   .offset_in_chunk = in_chunk,
                                                   .offset_in_range = done,
                                                   .size = size});
      if (!visited) return visited;
      done += size;
    }
    return {};
  }
};

}  // namespace vfsprof::vfs
