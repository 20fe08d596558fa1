#include "vfs/flush/batched.h"

#include <cerrno>
#include <new>
#include <span>
#include <vector>

#include "vfs/flush/file_ranges.h"

namespace vfsprof::vfs {

Result<void> Batched::write_back(const FileImage& file, DiskCache& cache, Durability durability) {
  try {
    auto update = start_update(file, cache);
    if (!update) return Failure(update.error());
    DirectFile out(*update, cache);
    const Recycled<DirectBuffer<kPieceBytes>>::Lease buffer(buffers_);
    const auto written =
        for_each_piece(ranges_to_write(file, *update), kPieceBytes, [&](const ByteRange& piece) {
          const std::span<std::byte> bytes = buffer->first(piece.bytes);
          const auto got = read_image(file, piece.offset, bytes);
          return got ? out.write(piece.offset, bytes) : got;
        });
    return written ? update->commit(file.size, durability) : written;
  } catch (const std::bad_alloc&) {
    return fail(ENOMEM);
  }
}

}  // namespace vfsprof::vfs
