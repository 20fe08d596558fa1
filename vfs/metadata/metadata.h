#pragma once

#include <time.h>

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "vfs/base/ids.h"
#include "vfs/base/result.h"
#include "vfs/engine.h"

namespace vfsprof::vfs {

/// Where a chunk that is not in the pool comes from.
enum class Backing {
  kNone,   ///< it is a hole
  kCache,  ///< the disk cache, where the file was written back to
  kStore,  ///< the object store
};

/// How long a file is and what stands behind its blocks.
struct Extent {
  std::uint64_t size = 0;  ///< bytes
  Backing backing = Backing::kNone;
  /// Bytes of the backing that belong to the file; what follows was cut off and reads as zeros.
  std::uint64_t backing_bytes = 0;
};

/// A file as it is when the metadata first hears of it.
struct FileStart {
  Extent extent;
  timespec modified{};
};

/// A write that took place.
struct WriteRecord {
  ChunkIndex first;
  ChunkIndex last;
  std::uint64_t end = 0;  ///< offset behind the last byte
  timespec now{};
};

/// What of a file is to be written back.
struct DirtyFile {
  Extent extent;
  std::uint64_t changes = 0;  ///< changes of the file so far
  std::vector<ChunkIndex> chunks;
};

/// Size, content times and dirty state of regular files.
///
/// | expression | type | meaning |
/// |---|---|---|
/// | `M::kName`, `M::kSummary` | string_view | its name on the command line, what it stands for |
/// | `M::PerFile` | default-constructible | what it keeps beside each file; given to every call |
/// | `add(file, inode, start)` | | the file exists from now on |
/// | `drop(file, inode)` | | it is gone |
/// | `is_dirty(file, inode)` | bool | it changed since its last write-back; false if it is gone |
/// | `extent(file, inode)` | Result of Extent | ESTALE if it is gone, as in all below |
/// | `record_write(file, inode, record)` | Result | size, times and dirty chunks after a write |
/// | `resize(file, inode, size, now)` | Result | cuts or extends: dirty; cuts the backing too |
/// | `set_modified(file, inode, time)` | | as utimensat does |
/// | `complete(file, attributes)` | | fills in size and times of a file that exists |
/// | `begin_write_back(file, inode)` | optional of DirtyFile | empty if it is clean or gone |
/// | `end_write_back(file, inode, dirty)` | | what `dirty` says is in the cache; no later change |
///
/// Threads: safe; the engine lets no write-back, `resize` and `drop` of one file overlap.
template <class M>
concept Metadata =
    std::default_initializable<M> && std::default_initializable<typename M::PerFile> &&
    requires(M& metadata, M::PerFile& file, InodeId inode, const FileStart& start,
             std::uint64_t size, const timespec& time, const WriteRecord& record,
             Attributes& attributes, const DirtyFile& dirty) {
      { M::kName } -> std::convertible_to<std::string_view>;
      { M::kSummary } -> std::convertible_to<std::string_view>;
      metadata.add(file, inode, start);
      metadata.drop(file, inode);
      { metadata.is_dirty(file, inode) } -> std::same_as<bool>;
      { metadata.extent(file, inode) } -> std::same_as<Result<Extent>>;
      { metadata.record_write(file, inode, record) } -> std::same_as<Result<void>>;
      { metadata.resize(file, inode, size, time) } -> std::same_as<Result<void>>;
      metadata.set_modified(file, inode, time);
      metadata.complete(file, attributes);
      { metadata.begin_write_back(file, inode) } -> std::same_as<std::optional<DirtyFile>>;
      metadata.end_write_back(file, inode, dirty);
    };

}  // namespace vfsprof::vfs
