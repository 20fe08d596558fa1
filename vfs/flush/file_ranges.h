#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "vfs/base/result.h"
#include "vfs/flush/flush.h"

namespace vfsprof::vfs {

struct ByteRange {
  std::uint64_t offset = 0;  ///< bytes
  std::uint64_t bytes = 0;
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

/// Begins to change the cache's version in place, or to replace it where that cannot be.
Result<FileUpdate> start_update(const FileImage& file, DiskCache& cache);

/// What is to be written, in the order of the offsets: into a file that is changed in place its
/// dirty chunks, neighbours joined; else everything.
std::vector<ByteRange> ranges_to_write(const FileImage& file, const FileUpdate& update);

/// Calls `visit(ByteRange)` for pieces of at most `max_bytes` of each range, in order, until one
/// fails.
template <class Visit>
Result<void> for_each_piece(std::span<const ByteRange> ranges, std::uint64_t max_bytes,
                            Visit&& visit) {
  for (const ByteRange& range : ranges) {
    for (std::uint64_t done = 0; done < range.bytes; done += max_bytes) {
      const Result<void> visited =
          visit(ByteRange{range.offset + done, std::min(max_bytes, range.bytes - done)});
      if (!visited) return visited;
    }
  }
  return {};
}

/// Fills `out` with the image from `offset` on, in steps that hold the pool's lock only briefly.
Result<void> read_image(const FileImage& file, std::uint64_t offset, std::span<std::byte> out);

}  // namespace vfsprof::vfs
