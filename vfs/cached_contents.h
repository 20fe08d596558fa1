#pragma once

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <shared_mutex>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "vfs/backing_source.h"
#include "vfs/base/file_clock.h"
#include "vfs/chunk_geometry.h"
#include "vfs/copy/copy.h"
#include "vfs/counters.h"
#include "vfs/durability/durable_tree.h"
#include "vfs/engine.h"
#include "vfs/engine_setup.h"
#include "vfs/file_table.h"
#include "vfs/metadata/metadata.h"
#include "vfs/pool/block.h"
#include "vfs/word_names.h"
#include "vfs/write_behind.h"

namespace vfsprof::vfs {

/// The content of regular files: blocks in a pool, written back to the disk cache.
///
/// Invariants:
/// 1. A block that is not dirty can be had again from its backing, or is empty: it may be evicted
///    at any time.
/// 2. A block is inserted only under `FileLocks::load`, by whoever found it missing under that
///    lock: what was read from the backing is still right when it is inserted.
/// 3. A write changes the block first and then tells the metadata. A write-back asks the metadata
///    before it reads the blocks, so a change that it misses is told later, and stays dirty.
/// 4. A write-back marks a block clean only if it wrote this version in full length, and only after
///    the metadata know that the cache stands behind the file.
///
/// Errors: ESTALE for an inode that is gone; ENOMEM if a block cannot be allocated.
/// Threads: every member is safe. Lock order: eviction, then FileLocks of one file, then pool, then
/// metadata.
template <class Pool, class Key, class Copy, class Metadata>
class CachedContents final : public FileContents {
 public:
  /// All must outlive this object.
  CachedContents(const EngineSetup& setup, BackingSource backing)
      : setup_(setup),
        backing_(backing),
        write_behind_(setup.flush->write_behind(), setup.options.spawn,
                      [this](InodeId inode) { return write_back(inode).has_value(); }) {}

  void add(InodeId inode, const FileStart& start) {
    metadata_.add(files_.add(inode)->metadata, inode, start);
  }
  void set_modified(InodeId inode, const timespec& time) {
    if (const auto file = files_.find(inode)) metadata_.set_modified(file->metadata, inode, time);
  }

  Result<HandleId> open(InodeId inode) {
    auto file = files_.find(inode);
    if (file == nullptr) return fail(ESTALE);
    return files_.open(std::move(file));
  }
  void close(HandleId handle) { files_.close(handle); }
  /// The latest failed write-back that this handle was not told of.
  std::optional<Errno> take_failure(HandleId handle) { return files_.take_failure(handle); }

  Result<std::size_t> write(const WriteRequest& request, const Payload& payload) {
    return *with_file(request.inode, request.handle, [&](File& file) {
      return write_to(file, request.offset, payload, Fetch::kAllowed);
    });
  }
  /// Empty, with nothing changed, if an object must first be fetched.
  std::optional<Result<std::size_t>> try_write(const WriteRequest& request,
                                               const Payload& payload) {
    return with_file(request.inode, request.handle, [&](File& file) {
      return write_to(file, request.offset, payload, Fetch::kRefused);
    });
  }
  Result<std::size_t> read(InodeId inode, HandleId handle, FileRange range,
                           std::span<std::byte> out) {
    return *with_file(inode, handle,
                      [&](File& file) { return read_from(file, range, out, Fetch::kAllowed); });
  }
  /// Empty, with nothing read, if an object must first be fetched.
  std::optional<Result<std::size_t>> try_read(InodeId inode, HandleId handle, FileRange range,
                                              std::span<std::byte> out) {
    return with_file(inode, handle,
                     [&](File& file) { return read_from(file, range, out, Fetch::kRefused); });
  }
  /// Cuts a file or extends it with zeros. One that was dirty is written back at once, as found.
  Result<void> resize(InodeId inode, std::uint64_t size);

  /// Writes a file back if it is dirty. A failure is also noted for the next sync of each open
  /// handle.
  Result<void> write_back(InodeId inode, Durability durability) {
    const auto file = files_.find(inode);
    if (file == nullptr) return {};
    const std::lock_guard lock(file->locks.write_back);
    return write_back_locked(*file, durability);
  }
  /// Whether dirty files are written behind their writers' backs.
  bool writes_behind() const { return write_behind_.enabled(); }
  /// A descriptor was closed: written back at once as found, or behind the closer's back.
  Result<void> closed(InodeId inode) {
    if (!writes_behind()) return write_back(inode, Durability::kOnRequest);
    write_behind_.close_batch();
    return {};
  }
  /// Every dirty file; goes on after a failure and returns the first.
  Result<void> write_back_all();

  // For DurableTree.
  Result<void> write_back(InodeId inode) override {
    return write_back(inode, Durability::kOnRequest);
  }
  void complete(Attributes& attributes) override {
    if (!S_ISREG(attributes.mode)) return;
    if (const auto file = files_.find(attributes.inode)) {
      metadata_.complete(file->metadata, attributes);
    }
  }
  void gone(InodeId inode) override;

 private:
  using File = FileRecord<typename Pool::PerFile, typename Metadata::PerFile>;
  enum class Fetch { kAllowed, kRefused };
  enum class Access { kRead, kWrite };
  enum class Found { kBlock, kHole };

  /// Calls `work(File&)`, by way of the handle if there is one.
  template <class Work>
  auto with_file(InodeId inode, HandleId handle, Work&& work)
      -> decltype(work(std::declval<File&>())) {
    if (handle.value != 0) [[likely]]
      return work(files_.file_of(handle));
    return with_found_file(inode, work);
  }
  /// Not inlined: requests of the kernel come with a handle.
  template <class Work>
  [[gnu::noinline]] auto with_found_file(InodeId inode, Work& work)
      -> decltype(work(std::declval<File&>())) {
    const auto file = files_.find(inode);
    if (file == nullptr) return Result<std::size_t>(fail(ESTALE));
    return work(*file);
  }

  // Writing.
  std::optional<Result<std::size_t>> write_to(File& file, std::uint64_t offset,
                                              const Payload& payload, Fetch fetch);
  std::optional<Result<std::size_t>> write_locked(File& file, std::uint64_t offset,
                                                  const Payload& payload, Fetch fetch,
                                                  WriteBehind& dirtied);
  Result<void> write_part(File& file, const ChunkPart& part, const Payload& payload,
                          WriteBehind& dirtied);
  Result<void> write_missing(File& file, const ChunkPart& part, const Payload& payload,
                             WriteBehind& dirtied);
  bool must_fetch(File& file, const FileRange& range, const Extent& extent, Access access);

  /// Changes a block, and adds what became dirty by that. Dirty before it is changed: an allocation
  /// that fails leaves what was written of it.
  static void put(Block& block, const ChunkPart& part, const Payload& payload,
                  WriteBehind& dirtied) {
    const std::size_t dirty_before = block.dirty ? block.data.size() : 0;
    dirtied.chunks += block.dirty ? 0 : 1;
    block.dirty = true;
    ++block.version;
    Copy::put(block.data, part.offset_in_chunk,
              {.payload = payload, .offset = part.offset_in_range, .size = part.size});
    dirtied.bytes += block.data.size() - dirty_before;
  }

  // Reading.
  std::optional<Result<std::size_t>> read_from(File& file, FileRange range,
                                               std::span<std::byte> out, Fetch fetch);
  Result<void> read_part(File& file, const ChunkPart& part, std::span<std::byte> out);
  Result<Found> load(File& file, ChunkIndex chunk);
  Result<void> fetch(File& file, ChunkIndex chunk, const Extent& extent, Block& block);

  /// Bytes that stand behind a chunk.
  std::uint64_t backed_bytes(const Extent& extent, ChunkIndex chunk) const {
    const std::uint64_t start = geometry_.start_of(chunk);
    return std::min(std::max(extent.backing_bytes, start) - start, geometry_.chunk_bytes);
  }
  static Key key_of(const File& file, ChunkIndex chunk) { return Key(file.inode, chunk); }

  void cut_blocks(File& file, std::uint64_t size, std::uint64_t old_size);

  /// The version in which each block went into a write-back.
  using Versions = std::unordered_map<std::uint32_t, std::uint64_t>;
  Result<void> write_back_locked(File& file, Durability durability);
  Result<void> read_for_write_back(File& file, const Extent& extent, std::uint64_t offset,
                                   std::span<std::byte> out);
  Versions versions_of(File& file, const DirtyFile& dirty);
  WriteBehind mark_clean(File& file, const Versions& versions);

  bool over_budget() const { return pool_.bytes() > setup_.options.memory_budget_bytes; }
  Result<void> make_room();
  void note_growth();
  void evict(const Key& key);
  bool write_back_and_evict(const std::vector<Key>& keys, std::uint64_t target_bytes);

  const EngineSetup& setup_;
  const ChunkGeometry geometry_{setup_.chunk_bytes};
  const BackingSource backing_;
  std::mutex eviction_;  // one thread makes room at a time
  const WordName eviction_name_{eviction_, "contents.eviction", WordPurpose::kLock};
  std::atomic<std::uint64_t> peak_bytes_{0};
  Pool pool_;
  Metadata metadata_;
  FileTable<File> files_;
  WriteBehindQueue write_behind_;  // destroyed first: its batches use all of the above
};

template <class Pool, class Key, class Copy, class Metadata>
std::optional<Result<std::size_t>> CachedContents<Pool, Key, Copy, Metadata>::write_to(
    File& file, std::uint64_t offset, const Payload& payload, Fetch fetch) {
  if (!geometry_.fits(offset, payload.size())) return fail(EFBIG);
  if (over_budget()) [[unlikely]] {
    if (const auto room = make_room(); !room) return Failure(room.error());
  }
  WriteBehind dirtied;
  const auto written = write_locked(file, offset, payload, fetch, dirtied);
  if (dirtied.bytes > 0) note_growth();
  write_behind_.add(file.inode, dirtied);
  return written;
}

template <class Pool, class Key, class Copy, class Metadata>
std::optional<Result<std::size_t>> CachedContents<Pool, Key, Copy, Metadata>::write_locked(
    File& file, std::uint64_t offset, const Payload& payload, Fetch fetch, WriteBehind& dirtied) {
  const FileRange range{offset, payload.size()};
  const std::shared_lock lock(file.locks.content);
  const Result<Extent> extent = metadata_.extent(file.metadata, file.inode);
  if (!extent) return Failure(extent.error());
  if (payload.empty()) return std::size_t{0};
  if (fetch == Fetch::kRefused && extent->backing == Backing::kStore) [[unlikely]] {
    if (must_fetch(file, range, *extent, Access::kWrite)) return std::nullopt;
  }
  std::size_t written = 0;
  const auto result = geometry_.for_each_part(range, [&](const ChunkPart& part) {
    const auto done = write_part(file, part, payload, dirtied);
    if (done) written += part.size;
    return done;
  });
  // What was changed must be told, though a later part failed.
  if (written > 0) {
    const std::uint64_t end = offset + written;
    const auto recorded = metadata_.record_write(file.metadata, file.inode,
                                                 {.first = geometry_.chunk_of(offset),
                                                  .last = geometry_.chunk_of(end - 1),
                                                  .end = end,
                                                  .now = file_time_now()});
    if (!recorded) return Failure(recorded.error());
  }
  if (!result) return Failure(result.error());
  return written;
}

template <class Pool, class Key, class Copy, class Metadata>
Result<void> CachedContents<Pool, Key, Copy, Metadata>::write_part(File& file,
                                                                   const ChunkPart& part,
                                                                   const Payload& payload,
                                                                   WriteBehind& dirtied) {
  try {
    const auto change = [&](Block& block) { put(block, part, payload, dirtied); };
    if (pool_.modify(file.blocks, key_of(file, part.chunk), change)) [[likely]]
      return {};
    return write_missing(file, part, payload, dirtied);
  } catch (const std::bad_alloc&) {
    return fail(ENOMEM);
  }
}

/// Writes to a chunk whose block is not in the pool. Not inlined, as it is rare.
template <class Pool, class Key, class Copy, class Metadata>
[[gnu::noinline]] Result<void> CachedContents<Pool, Key, Copy, Metadata>::write_missing(
    File& file, const ChunkPart& part, const Payload& payload, WriteBehind& dirtied) {
  const std::lock_guard lock(file.locks.load);
  const Key key = key_of(file, part.chunk);
  const Result<Extent> extent = metadata_.extent(file.metadata, file.inode);
  if (!extent) return Failure(extent.error());
  const auto change = [&](Block& block) { put(block, part, payload, dirtied); };
  if (pool_.modify(file.blocks, key, change)) return {};
  Block block{.data = BlockBytes(*setup_.memory, geometry_.chunk_bytes)};
  if (part.offset_in_chunk > 0 || part.size < backed_bytes(*extent, part.chunk)) {
    if (const auto got = fetch(file, part.chunk, *extent, block); !got) return got;
  }
  change(block);
  pool_.insert(file.blocks, key, std::move(block));
  count(Counter::kPoolInserts);
  return {};
}

/// Whether reading the range, or writing to it, would have to fetch an object.
template <class Pool, class Key, class Copy, class Metadata>
[[gnu::noinline]] bool CachedContents<Pool, Key, Copy, Metadata>::must_fetch(File& file,
                                                                             const FileRange& range,
                                                                             const Extent& extent,
                                                                             Access access) {
  const auto there = geometry_.for_each_part(range, [&](const ChunkPart& part) -> Result<void> {
    const std::uint64_t backed = backed_bytes(extent, part.chunk);
    const bool replaced =
        access == Access::kWrite && part.offset_in_chunk == 0 && part.size >= backed;
    if (backed == 0 || replaced ||
        pool_.read(file.blocks, key_of(file, part.chunk), [](const Block&) {})) {
      return {};
    }
    return fail(EAGAIN);
  });
  return !there;
}

}  // namespace vfsprof::vfs

// The other parts of the class.
#include "vfs/cached_contents_read.h"        // IWYU pragma: export
#include "vfs/cached_contents_write_back.h"  // IWYU pragma: export
