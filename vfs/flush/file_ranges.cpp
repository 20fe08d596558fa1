#include "vfs/flush/file_ranges.h"

namespace vfsprof::vfs {

namespace {

std::vector<ByteRange> dirty_ranges(const FileImage& file) {
  std::vector<ChunkIndex> chunks(file.dirty.begin(), file.dirty.end());
  std::ranges::sort(chunks);
  std::vector<ByteRange> ranges;
  for (const ChunkIndex chunk : chunks) {
    const std::uint64_t start = chunk.value * file.chunk_bytes;
    if (start >= file.size) break;  // cut off since it was written
    const std::uint64_t bytes = std::min(file.chunk_bytes, file.size - start);
    if (!ranges.empty() && ranges.back().offset + ranges.back().bytes == start) {
      ranges.back().bytes += bytes;
    } else {
      ranges.push_back({start, bytes});
    }
  }
  return ranges;
}

}  // namespace

Result<FileUpdate> start_update(const FileImage& file, DiskCache& cache) {
  if (!file.in_place_bytes) return cache.replace_file(file.inode);
  return cache.change_file(file.inode, std::min(*file.in_place_bytes, file.size));
}

std::vector<ByteRange> ranges_to_write(const FileImage& file, const FileUpdate& update) {
  if (update.in_place()) return dirty_ranges(file);
  return {{.offset = 0, .bytes = file.size}};
}

Result<void> read_image(const FileImage& file, std::uint64_t offset, std::span<std::byte> out) {
  constexpr std::uint64_t kStep = 256 << 10;
  while (!out.empty()) {
    const std::uint64_t left_of_chunk = file.chunk_bytes - offset % file.chunk_bytes;
    const std::size_t bytes = std::min({kStep, left_of_chunk, std::uint64_t{out.size()}});
    if (const auto got = file.read(offset, out.first(bytes)); !got) return got;
    offset += bytes;
    out = out.subspan(bytes);
  }
  return {};
}

}  // namespace vfsprof::vfs
