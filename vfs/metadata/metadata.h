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
  std::uint64_t size = 0;     ///< bytes
  std::uint64_t changes = 0;  ///< changes of the file so far
  std::vector<ChunkIndex> chunks;
};

/// Size, content times and dirty state of regular files.
///
/// | expression | type | meaning |
/// |---|---|---|
/// | `M::kName`, `M::kSummary` | string_view | its name on the command line, and what it stands for
/// | | `add(inode, start)`, `drop(inode)` | | the file exists from now on; is gone | |
/// `is_dirty(inode)` | bool | it changed since it was last written back; false if it is gone | |
/// `extent(inode)` | Result of Extent | ESTALE if it is gone, as in all below | |
/// `record_write(inode, record)` | Result | size, times and dirty chunks after a write | |
/// `resize(inode, size, now)` | Result | cuts or extends: dirty, and the backing is cut with it |
/// | `set_modified(inode, time)` | | as utimensat does |
/// | `complete(attributes)` | | fills in size and times of a file that exists |
/// | `begin_write_back(inode)` | optional of DirtyFile | empty if it is clean or gone |
/// | `end_write_back(inode, dirty)` | | what `dirty` describes is in the cache; later changes stay
/// dirty | | `dirty_files()` | vector of InodeId | in no order |
///
/// Threads: safe; the engine lets no write-back, `resize` and `drop` of one file overlap.
template <class M>
concept Metadata = std::default_initializable<M> &&
                   requires(M& metadata, InodeId inode, const FileStart& start, std::uint64_t size,
                            const timespec& time, const WriteRecord& record, Attributes& attributes,
                            const DirtyFile& dirty) {
                     { M::kName } -> std::convertible_to<std::string_view>;
                     { M::kSummary } -> std::convertible_to<std::string_view>;
                     metadata.add(inode, start);
                     metadata.drop(inode);
                     { metadata.is_dirty(inode) } -> std::same_as<bool>;
                     { metadata.extent(inode) } -> std::same_as<Result<Extent>>;
                     { metadata.record_write(inode, record) } -> std::same_as<Result<void>>;
                     { metadata.resize(inode, size, time) } -> std::same_as<Result<void>>;
                     metadata.set_modified(inode, time);
                     metadata.complete(attributes);
                     { metadata.begin_write_back(inode) } -> std::same_as<std::optional<DirtyFile>>;
                     metadata.end_write_back(inode, dirty);
                     { metadata.dirty_files() } -> std::same_as<std::vector<InodeId>>;
                   };

}  // namespace vfsprof::vfs
