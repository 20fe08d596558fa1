#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "vfs/base/ids.h"
#include "vfs/base/result.h"
#include "vfs/durability/disk_cache.h"

namespace vfsprof::vfs {

/// A dirty file on its way to the disk cache. May change while it is written: the engine knows
/// which chunks did.
struct FileImage {
  InodeId inode;
  std::uint64_t size = 0;             ///< bytes
  std::uint64_t chunk_bytes = 0;      ///< the last chunk ends with the file
  std::span<const ChunkIndex> dirty;  ///< changed since the last write-back; in no order
  /// Bytes of the cache's version that still belong to the file: what it holds beyond must read as
  /// zeros. Empty: the cache has no version that can be changed in place; write all chunks.
  std::optional<std::uint64_t> in_place_bytes;
  /// Fills all of `out` with bytes of the file from `offset` on, within one chunk; from the pool or
  /// from what stands behind it. Threads: safe.
  std::function<Result<void>(std::uint64_t offset, std::span<std::byte> out)> read;
};

/// How much may be dirty before it is written behind the writers' backs, in a batch.
struct WriteBehind {
  std::size_t chunks = 0;
  std::uint64_t bytes = 0;
};

/// How dirty files get to the disk cache. Called once a file, so a run-time interface.
/// Threads: safe; the engine never passes one file twice at a time.
class FlushStrategy {
 public:
  virtual ~FlushStrategy() = default;
  /// Writes the file. Errors: as DiskCache::write_file; ENOMEM. After one the cache holds what it
  /// held.
  virtual Result<void> write_back(const FileImage& file, DiskCache& cache,
                                  Durability durability) = 0;
  /// Empty: files are written only when they are synced, closed or cut, as found.
  virtual std::optional<WriteBehind> write_behind() const = 0;
};

/// | expression | type | meaning |
/// |---|---|---|
/// | `F::kName`, `F::kSummary` | string_view | its name on the command line, and what it stands for
/// | | `F()` | | a FlushStrategy |
template <class F>
concept Flush = std::derived_from<F, FlushStrategy> && std::default_initializable<F> && requires {
  { F::kName } -> std::convertible_to<std::string_view>;
  { F::kSummary } -> std::convertible_to<std::string_view>;
};

}  // namespace vfsprof::vfs
