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
  std::uint64_t size = 0;         ///< bytes
  std::uint64_t chunk_bytes = 0;  ///< the last chunk ends with the file
  /// Chunks that changed since the last write-back, in no order; those beyond `size` do not count.
  std::span<const ChunkIndex> dirty;
  /// Bytes of the cache's version that still belong to the file: a cut may have shortened it, and
  /// what the cache holds beyond must read as zeros. 0: all chunks but the dirty ones are holes.
  /// Empty: the cache has no version that can be changed in place (it stands in the object store),
  /// and all chunks must be written.
  std::optional<std::uint64_t> in_place_bytes;
  /// Fills all of `out` with bytes of the file from `offset` on, within one chunk. Copies from the
  /// pool, or reads what stands behind it. Threads: one at a time.
  std::function<Result<void>(std::uint64_t offset, std::span<std::byte> out)> read;
};

/// When dirty chunks are written behind the writer's back: once there are so many, of all files.
struct WriteBehind {
  std::size_t chunks = 0;
  std::uint64_t bytes = 0;
};

/// The machine lacks what a strategy needs. The message says what, and what to do.
class FlushUnavailable : public CacheDirectoryError {
  using CacheDirectoryError::CacheDirectoryError;
};

/// How dirty files get to the disk cache. Called once a file, so a run-time interface.
/// Threads: safe; the engine never passes one file twice at a time.
class FlushStrategy {
 public:
  virtual ~FlushStrategy() = default;
  /// Writes the file. Errors: those of the cache disk, and of `FileImage::read`; ENOMEM. After one
  /// the cache holds what it held, but where the strategy changes files in place: there some of the
  /// dirty chunks may have been written.
  virtual Result<void> write_back(const FileImage& file, DiskCache& cache,
                                  Durability durability) = 0;
  /// Empty: nothing is written but when a file is synced, closed or cut, as found.
  virtual std::optional<WriteBehind> write_behind() const { return std::nullopt; }
};

/// | expression | type | meaning |
/// |---|---|---|
/// | `F::kName`, `F::kSummary` | string_view | its name on the command line, what it stands for |
/// | `F()` | | a FlushStrategy; FlushUnavailable if the machine lacks what it needs |
template <class F>
concept Flush = std::derived_from<F, FlushStrategy> && std::default_initializable<F> && requires {
  { F::kName } -> std::convertible_to<std::string_view>;
  { F::kSummary } -> std::convertible_to<std::string_view>;
};

}  // namespace vfsprof::vfs
