#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "vfs/base/result.h"
#include "vfs/base/unique_fd.h"
#include "vfs/durability/disk_cache.h"
#include "vfs/durability/file_update.h"

namespace vfsprof::vfs {

/// Memory that direct I/O may start at.
inline constexpr std::size_t kDirectAlignment = 4096;  // bytes

/// A buffer for direct I/O. Not touched when it is made, so that a small file costs few pages.
template <std::size_t kBytes>
class DirectBuffer {
 public:
  static_assert(kBytes % kDirectAlignment == 0);
  /// The first `bytes` of it.
  std::span<std::byte> first(std::size_t bytes) { return {memory_.get(), bytes}; }

 private:
  struct Delete {
    void operator()(std::byte* memory) const {
      ::operator delete[](memory, std::align_val_t{kDirectAlignment});
    }
  };
  std::unique_ptr<std::byte[], Delete> memory_{
      static_cast<std::byte*>(::operator new[](kBytes, std::align_val_t{kDirectAlignment}))};
};

/// Writes a file of the cache past the page cache: whole blocks with O_DIRECT, the rest, such as
/// the end of a file, buffered. Where the file system refuses O_DIRECT it writes everything
/// buffered and tells the cache (`DiskCache::direct_io_refused`).
/// Source: open(2), O_DIRECT; statx(2), STATX_DIOALIGN (Linux 6.1; before that the block size of
/// the file system is taken). Threads: one at a time.
class DirectFile {
 public:
  /// Both must outlive it.
  DirectFile(FileUpdate& file, DiskCache& cache) : file_(file), cache_(cache) {}

  /// How much of a write of `bytes` at `offset` can go direct, from its start; the rest cannot.
  std::size_t direct_bytes(std::uint64_t offset, std::size_t bytes);
  /// For writing what `direct_bytes` says: it returned more than 0.
  int direct_fd() const { return direct_->get(); }
  /// Writes all of `bytes`, which start at kDirectAlignment. Errors: those of pwrite(2).
  Result<void> write(std::uint64_t offset, std::span<const std::byte> bytes);

 private:
  void open();
  void refuse(Errno reason);

  FileUpdate& file_;
  DiskCache& cache_;
  std::optional<UniqueFd> direct_;  // empty: not yet tried; without a descriptor: refused
  std::uint64_t alignment_ = kDirectAlignment;  // of offsets, in bytes
};

}  // namespace vfsprof::vfs
