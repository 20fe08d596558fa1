#include "vfs/flush/per_chunk.h"

#include <cerrno>
#include <new>
#include <span>

#include "vfs/durability/file_io.h"
#include "vfs/flush/file_ranges.h"

namespace vfsprof::vfs {

Result<void> PerChunk::write_back(const FileImage& file, DiskCache& cache, Durability durability) {
  try {
    auto update = start_update(file, cache);
    if (!update) return Failure(update.error());
    const Recycled<DirectBuffer<kPieceBytes>>::Lease buffer(buffers_);
    const auto write_chunk = [&](const ByteRange& chunk) -> Result<void> {
      const auto out = update->open(0);
      if (!out) return Failure(out.error());
      return for_each_piece({{chunk}}, kPieceBytes, [&](const ByteRange& piece) {
        const std::span<std::byte> bytes = buffer->first(piece.bytes);
        const auto got = read_image(file, piece.offset, bytes);
        return got ? write_all(out->get(), piece.offset, bytes) : got;
      });
    };
    const auto written =
        for_each_piece(ranges_to_write(file, *update), file.chunk_bytes, write_chunk);
    return written ? update->commit(file.size, durability) : written;
  } catch (const std::bad_alloc&) {
    return fail(ENOMEM);
  }
}

}  // namespace vfsprof::vfs
