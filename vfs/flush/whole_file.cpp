#include "vfs/flush/whole_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <new>
#include <span>

namespace vfsprof::vfs {

Result<void> WholeFile::write_back(const FileImage& file, DiskCache& cache, Durability durability) {
  std::unique_ptr<std::byte[]> buffer;
  try {
    buffer = std::make_unique_for_overwrite<std::byte[]>(file.size);
  } catch (const std::bad_alloc&) {
    return fail(ENOMEM);
  }
  const std::span<std::byte> content(buffer.get(), file.size);
  for (std::uint64_t offset = 0; offset < file.size; offset += file.chunk_bytes) {
    const std::uint64_t bytes = std::min(file.chunk_bytes, file.size - offset);
    if (const auto got = file.read(offset, content.subspan(offset, bytes)); !got) return got;
  }
  return cache.write_file(file.inode, content, durability);
}

}  // namespace vfsprof::vfs
