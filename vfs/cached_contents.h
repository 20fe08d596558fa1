#pragma once

#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <new>
#include <optional>
#include <shared_mutex>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "vfs/backing_source.h"
#include "vfs/chunk_geometry.h"
#include "vfs/copy/copy.h"
#include "vfs/counters.h"
#include "vfs/durability/durable_tree.h"
#include "vfs/engine.h"
#include "vfs/engine_setup.h"
#include "vfs/file_locks.h"
#include "vfs/metadata/metadata.h"
#include "vfs/open_files.h"
#include "vfs/pool/block.h"

namespace vfsprof::vfs {

inline timespec now() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  return time;
}

/// The content of regular files: blocks in a pool, written back to the disk cache.
///
/// Invariants:
/// 1. A block that is not dirty can be had again from its backing, or is empty: it may be evicted
/// at any time.
/// 2. A block is inserted only under `FileLocks::load`, by whoever found it missing under that
/// lock: what was read from
///    the backing is still right when it is inserted.
/// 3. A write changes the block first and then tells the metadata. A write-back asks the metadata
/// before it reads the
///    blocks, so a change that it misses is told later, and stays dirty.
/// 4. A write-back marks a block clean only if it wrote this version in full length, and only after
/// the metadata know
///    that the cache stands behind the file.
///
/// Errors: ESTALE for an inode that is gone; ENOMEM if a block cannot be allocated.
/// Threads: every member is safe. Lock order: eviction, then FileLocks of one file, then pool, then
/// metadata.
template <class Pool, class Key, class Copy, class Metadata>
class CachedContents final : public FileContents {
 public:
  /// All must outlive this object.
  CachedContents(const EngineSetup& setup, BackingSource backing, OpenFiles& open_files)
      : setup_(setup), backing_(backing), open_files_(open_files) {}

  void add(InodeId inode, const FileStart& start) { metadata_.add(inode, start); }
  void set_modified(InodeId inode, const timespec& time) { metadata_.set_modified(inode, time); }

  Result<std::size_t> write(const WriteRequest& request, std::span<const std::byte> payload);
  Result<std::size_t> read(InodeId inode, FileRange range, std::span<std::byte> out);
  /// Cuts a file or extends it with zeros. One that was dirty is written back at once, as found.
  Result<void> resize(InodeId inode, std::uint64_t size);

  /// Writes a file back if it is dirty. A failure is also noted for the next sync of each open
  /// handle.
  Result<void> write_back(InodeId inode, Durability durability) {
    const std::lock_guard lock(locks_[inode].write_back);
    return write_back_locked(inode, durability);
  }
  /// Every dirty file; goes on after a failure and returns the first.
  Result<void> write_back_all();

  // For DurableTree.
  Result<void> write_back(InodeId inode) override {
    return write_back(inode, Durability::kOnRequest);
  }
  void complete(Attributes& attributes) override {
    if (S_ISREG(attributes.mode)) metadata_.complete(attributes);
  }
  void gone(InodeId inode) override;

 private:
  enum class Holes { kInsert, kLeave };
  enum class Found { kBlock, kHole };

  Result<void> write_part(InodeId inode, const ChunkPart& part, std::span<const std::byte> bytes);
  Result<void> read_part(InodeId inode, const ChunkPart& part, std::span<std::byte> out);
  Result<Found> load(InodeId inode, ChunkIndex chunk, Holes holes);
  void cut_blocks(InodeId inode, std::uint64_t size, std::uint64_t old_size);

  /// The version in which each block went into a write-back; empty if not whole in one version.
  using Versions = std::unordered_map<std::uint32_t, std::optional<std::uint64_t>>;
  Result<void> write_back_locked(InodeId inode, Durability durability);
  Result<void> copy_for_write_back(InodeId inode, std::uint64_t offset, const Extent& extent,
                                   std::span<std::byte> out, Versions& versions);

  /// What of the cache's version can stay where it is.
  static std::optional<std::uint64_t> in_place_bytes(const Extent& extent) {
    if (extent.backing == Backing::kStore) return std::nullopt;
    return extent.backing == Backing::kCache ? extent.backing_bytes : 0;
  }

  bool over_budget() const { return pool_.bytes() > setup_.options.memory_budget_bytes; }
  Result<void> make_room();
  void evict(const Key& key);
  bool write_back_and_evict(const std::vector<Key>& keys, std::uint64_t target_bytes);

  static void grow(Block& block, std::size_t bytes) {
    if (block.data.size() >= bytes) return;
    count(Counter::kBytesZeroed, bytes - block.data.size());
    block.data.resize(bytes);
  }

  const EngineSetup& setup_;
  const ChunkGeometry geometry_{setup_.chunk_bytes};
  const BackingSource backing_;
  OpenFiles& open_files_;
  std::mutex eviction_;  // one thread makes room at a time
  FileLockTable locks_;
  Pool pool_;
  Metadata metadata_;
};

template <class Pool, class Key, class Copy, class Metadata>
Result<std::size_t> CachedContents<Pool, Key, Copy, Metadata>::write(
    const WriteRequest& request, std::span<const std::byte> payload) {
  const InodeId inode = request.inode;
  const FileRange range{request.offset, payload.size()};
  if (!geometry_.fits(range.offset, range.size)) return fail(EFBIG);
  if (const auto room = make_room(); !room) return Failure(room.error());
  const std::shared_lock lock(locks_[inode].content);
  const bool dirty = metadata_.is_dirty(inode);
  const Result<Extent> extent = metadata_.extent(inode);
  if (!extent) return Failure(extent.error());
  if (payload.empty()) return std::size_t{0};
  // Of a clean file the blocks may have to be fetched; those of a dirty one are there, but for a
  // few.
  if (!dirty && range.offset < extent->backing_bytes) {
    const auto fetched = geometry_.for_each_part(range, [&](const ChunkPart& part) -> Result<void> {
      const Result<Found> found = load(inode, part.chunk, Holes::kLeave);
      return found ? Result<void>() : Failure(found.error());
    });
    if (!fetched) return Failure(fetched.error());
  }
  std::size_t written = 0;
  const auto result = geometry_.for_each_part(range, [&](const ChunkPart& part) {
    const auto done = write_part(inode, part, payload.subspan(part.offset_in_range, part.size));
    if (done) written += part.size;
    return done;
  });
  // What was changed must be told, though a later part failed.
  if (written > 0) {
    const std::uint64_t end = range.offset + written;
    const auto recorded = metadata_.record_write(inode, {.first = geometry_.chunk_of(range.offset),
                                                         .last = geometry_.chunk_of(end - 1),
                                                         .end = end,
                                                         .now = now()});
    if (!recorded) return Failure(recorded.error());
  }
  if (!result) return Failure(result.error());
  return written;
}

template <class Pool, class Key, class Copy, class Metadata>
Result<void> CachedContents<Pool, Key, Copy, Metadata>::write_part(
    InodeId inode, const ChunkPart& part, std::span<const std::byte> bytes) {
  try {
    const auto& taken = Copy::take(bytes);
    const auto change = [&](Block& block) {
      grow(block, part.offset_in_chunk + part.size);
      copy_bytes(std::span(block.data).subspan(part.offset_in_chunk, part.size), taken);
      ++block.version;
      block.dirty = true;
    };
    while (!pool_.modify(Key(inode, part.chunk), change)) {
      const Result<Found> found = load(inode, part.chunk, Holes::kInsert);
      if (!found) return Failure(found.error());
    }
  } catch (const std::bad_alloc&) {
    return fail(ENOMEM);
  }
  return {};
}

template <class Pool, class Key, class Copy, class Metadata>
Result<std::size_t> CachedContents<Pool, Key, Copy, Metadata>::read(InodeId inode, FileRange range,
                                                                    std::span<std::byte> out) {
  // Reading goes on even if there is no room: what it adds is clean.
  (void)make_room();
  const std::shared_lock lock(locks_[inode].content);
  const Result<Extent> extent = metadata_.extent(inode);
  if (!extent) return Failure(extent.error());
  if (range.offset >= extent->size) return std::size_t{0};
  range.size = std::min<std::uint64_t>(range.size, extent->size - range.offset);
  const auto result = geometry_.for_each_part(range, [&](const ChunkPart& part) {
    return read_part(inode, part, out.subspan(part.offset_in_range, part.size));
  });
  if (!result) return Failure(result.error());
  return range.size;
}

template <class Pool, class Key, class Copy, class Metadata>
Result<void> CachedContents<Pool, Key, Copy, Metadata>::read_part(InodeId inode,
                                                                  const ChunkPart& part,
                                                                  std::span<std::byte> out) {
  const auto look = [&](const Block& block) {
    const std::size_t start = std::min(part.offset_in_chunk, block.data.size());
    const std::size_t bytes = std::min(out.size(), block.data.size() - start);
    if (bytes > 0) std::memcpy(out.data(), block.data.data() + start, bytes);
    if (bytes < out.size()) std::memset(out.data() + bytes, 0, out.size() - bytes);
  };
  while (!pool_.read(Key(inode, part.chunk), look)) {
    const Result<Found> found = load(inode, part.chunk, Holes::kLeave);
    if (!found) return Failure(found.error());
    if (*found == Found::kHole) {
      std::memset(out.data(), 0, out.size());
      break;
    }
  }
  return {};
}

/// Brings a missing block into the pool; an empty one for a hole if asked to.
template <class Pool, class Key, class Copy, class Metadata>
auto CachedContents<Pool, Key, Copy, Metadata>::load(InodeId inode, ChunkIndex chunk, Holes holes)
    -> Result<Found> {
  const std::lock_guard lock(locks_[inode].load);
  const Key key(inode, chunk);
  if (pool_.read(key, [](const Block&) {})) return Found::kBlock;
  const Result<Extent> extent = metadata_.extent(inode);
  if (!extent) return Failure(extent.error());
  const std::uint64_t start = geometry_.start_of(chunk);
  const std::uint64_t backed = std::max(extent->backing_bytes, start) - start;
  if (backed == 0 && holes == Holes::kLeave) return Found::kHole;
  try {
    Block block{.data = std::pmr::vector<std::byte>(setup_.memory.get())};
    block.data.reserve(geometry_.chunk_bytes);
    if (backed > 0) {
      grow(block, std::min(backed, geometry_.chunk_bytes));
      const auto got = backing_.read(inode, extent->backing, start, block.data);
      if (!got) return Failure(got.error());
    }
    pool_.insert(key, std::move(block));
  } catch (const std::bad_alloc&) {
    return fail(ENOMEM);
  }
  count(Counter::kPoolInserts);
  return Found::kBlock;
}

template <class Pool, class Key, class Copy, class Metadata>
Result<void> CachedContents<Pool, Key, Copy, Metadata>::resize(InodeId inode, std::uint64_t size) {
  if (!geometry_.fits(0, size)) return fail(EFBIG);
  FileLocks& locks = locks_[inode];
  const std::lock_guard write_back_lock(locks.write_back);
  const bool was_dirty = metadata_.is_dirty(inode);
  {
    const std::lock_guard content_lock(locks.content);
    const Result<Extent> extent = metadata_.extent(inode);
    if (!extent) return Failure(extent.error());
    cut_blocks(inode, size, extent->size);
    if (const auto resized = metadata_.resize(inode, size, now()); !resized) return resized;
  }
  return was_dirty ? write_back_locked(inode, Durability::kOnRequest) : Result<void>();
}

/// Removes what blocks hold of a file beyond `size`. Nobody reads or writes the file meanwhile.
template <class Pool, class Key, class Copy, class Metadata>
void CachedContents<Pool, Key, Copy, Metadata>::cut_blocks(InodeId inode, std::uint64_t size,
                                                           std::uint64_t old_size) {
  if (size >= old_size) return;
  const std::size_t kept_of_last = size % geometry_.chunk_bytes;
  if (kept_of_last > 0) {
    pool_.modify(Key(inode, geometry_.chunk_of(size)), [&](Block& block) {
      if (block.data.size() <= kept_of_last) return;
      block.data.resize(kept_of_last);
      ++block.version;
    });
  }
  const std::uint64_t first = (size + geometry_.chunk_bytes - 1) / geometry_.chunk_bytes;
  const std::uint64_t last = geometry_.chunk_of(old_size - 1).value;
  // A sparse file has far more chunks than there are blocks: then ask the pool what it holds.
  constexpr std::uint64_t kFewChunks = 1024;
  if (last < first + kFewChunks) {
    for (std::uint64_t chunk = first; chunk <= last; ++chunk) {
      pool_.remove(Key(inode, ChunkIndex{static_cast<std::uint32_t>(chunk)}));
    }
    return;
  }
  for (const Key& key : pool_.keys_by_age()) {
    if (key.inode() == inode && key.chunk().value >= first) pool_.remove(key);
  }
}

template <class Pool, class Key, class Copy, class Metadata>
void CachedContents<Pool, Key, Copy, Metadata>::gone(InodeId inode) {
  FileLocks& locks = locks_[inode];
  const std::lock_guard write_back_lock(locks.write_back);
  const std::lock_guard content_lock(locks.content);
  const Result<Extent> extent = metadata_.extent(inode);
  if (!extent) return;  // not a regular file
  cut_blocks(inode, 0, extent->size);
  metadata_.drop(inode);
  open_files_.forget(inode);
}

}  // namespace vfsprof::vfs

#include "vfs/cached_contents_write_back.h"  // IWYU pragma: export
