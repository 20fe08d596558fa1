#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>

#include "vfs/durability/disk_cache.h"
#include "vfs/durability/durable_tree.h"
#include "vfs/metadata/metadata.h"
#include "vfs/store/object_store.h"

namespace vfsprof::vfs {

/// What stands behind the blocks: the disk cache, and the object store below it.
struct BackingSource {
  DiskCache& cache;
  ObjectStore& store;
  const DurableTree& tree;  ///< knows the key of a file in the store

  /// Fills all of `out` with what stands behind a file from `offset` (bytes) on.
  /// Errors: those of the cache and the store; EIO if there is less than the metadata say.
  /// Threads: safe.
  Result<void> read(InodeId inode, Backing backing, std::uint64_t offset,
                    std::span<std::byte> out) const {
    const Result<std::size_t> got = backing == Backing::kCache
                                        ? cache.read(inode, offset, out)
                                        : store.fetch(tree.names().store_key(inode), offset, out);
    if (!got) return fail(got.error().value == ENOENT ? EIO : got.error().value);
    if (*got != out.size()) return fail(EIO);
    return {};
  }
};

}  // namespace vfsprof::vfs
