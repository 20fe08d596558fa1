#pragma once

// The third part of cached_contents.h: write-back and eviction.

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <unordered_set>
#include <vector>

#include "vfs/cached_contents.h"

namespace vfsprof::vfs {

template <class Pool, class Key, class Copy, class Metadata>
Result<void> CachedContents<Pool, Key, Copy, Metadata>::write_back_locked(File& file,
                                                                          Durability durability) {
  const std::optional<DirtyFile> dirty = metadata_.begin_write_back(file.metadata, file.inode);
  if (!dirty) return {};
  const Extent& extent = dirty->extent;
  const bool in_store = extent.backing == Backing::kStore && extent.backing_bytes > 0;
  // Before the blocks are read, so that a block changed meanwhile stays dirty.
  const Versions versions = versions_of(file, *dirty);
  const auto written = setup_.flush->write_back(
      {.inode = file.inode,
       .size = extent.size,
       .chunk_bytes = geometry_.chunk_bytes,
       .dirty = dirty->chunks,
       .in_place_bytes = in_store ? std::nullopt : std::optional(extent.backing_bytes),
       .read =
           [&](std::uint64_t offset, std::span<std::byte> out) {
             return read_for_write_back(file, extent, offset, out);
           }},
      backing_.cache, durability);
  if (!written) {
    file.failures.report(written.error());
    return written;
  }
  metadata_.end_write_back(file.metadata, file.inode, *dirty);
  // No later write tells the queue of them: they were dirty all the time.
  write_behind_.keep(file.inode, mark_clean(file, versions));
  return {};
}

/// The versions of the dirty blocks that lie within the file as it is to be written. A block that
/// is longer grew since: the rest is not written yet.
template <class Pool, class Key, class Copy, class Metadata>
auto CachedContents<Pool, Key, Copy, Metadata>::versions_of(File& file, const DirtyFile& dirty)
    -> Versions {
  Versions versions;
  for (const ChunkIndex chunk : dirty.chunks) {
    const std::uint64_t start = geometry_.start_of(chunk);
    pool_.read(file.blocks, key_of(file, chunk), [&](const Block& block) {
      if (start + block.data.size() <= dirty.extent.size) versions[chunk.value] = block.version;
    });
  }
  return versions;
}

/// Returns what stays dirty, as it changed since.
template <class Pool, class Key, class Copy, class Metadata>
WriteBehind CachedContents<Pool, Key, Copy, Metadata>::mark_clean(File& file,
                                                                  const Versions& versions) {
  WriteBehind kept;
  for (const auto& [chunk, version] : versions) {
    pool_.modify(file.blocks, key_of(file, ChunkIndex{chunk}), [&](Block& block) {
      if (block.version == version) {
        block.dirty = false;
      } else if (block.dirty) {
        ++kept.chunks;
        kept.bytes += block.data.size();
      }
    });
  }
  return kept;
}

/// From the pool, or from what stands behind it. The backing does not change meanwhile: that takes
/// a write-back or a cut, and both exclude this one.
template <class Pool, class Key, class Copy, class Metadata>
Result<void> CachedContents<Pool, Key, Copy, Metadata>::read_for_write_back(
    File& file, const Extent& extent, std::uint64_t offset, std::span<std::byte> out) {
  const ChunkIndex chunk = geometry_.chunk_of(offset);
  const std::uint64_t in_chunk = offset - geometry_.start_of(chunk);
  const auto look = [&](const Block& block) {
    const std::size_t start = std::min<std::size_t>(in_chunk, block.data.size());
    const std::size_t bytes = std::min(out.size(), block.data.size() - start);
    count(Counter::kBytesCopiedByFlush, bytes);
    block.data.read(start, out.first(bytes));
    std::ranges::fill(out.subspan(bytes), std::byte{0});
  };
  if (pool_.read(file.blocks, key_of(file, chunk), look)) return {};
  const std::uint64_t backed = std::max(extent.backing_bytes, offset) - offset;
  const std::size_t bytes = std::min<std::uint64_t>(backed, out.size());
  std::ranges::fill(out.subspan(bytes), std::byte{0});
  if (bytes == 0) return {};
  return backing_.read(file.inode, extent.backing, offset, out.first(bytes));
}

template <class Pool, class Key, class Copy, class Metadata>
Result<void> CachedContents<Pool, Key, Copy, Metadata>::write_back_all() {
  Result<void> result;
  for (const auto& file : files_.all()) {
    const std::lock_guard lock(file->locks.write_back);
    const auto written = write_back_locked(*file, Durability::kOnRequest);
    if (!written && result) result = written;
  }
  return result;
}

/// Gets below the memory budget: evicts clean blocks, then writes files back and evicts theirs, the
/// longest unused first. Called with no lock held. Errors: ENOSPC if there is no room because files
/// could not be written back. (Blocks that other writers have filled meanwhile are no failure: each
/// makes room before its next write, so the budget is passed by at most a write of each.)
template <class Pool, class Key, class Copy, class Metadata>
Result<void> CachedContents<Pool, Key, Copy, Metadata>::make_room() {
  if (!over_budget()) return {};
  const std::lock_guard lock(eviction_);
  if (!over_budget()) return {};
  // An eighth more than is needed, so that one look through the blocks serves many writes.
  const std::uint64_t budget_bytes = setup_.options.memory_budget_bytes;
  const std::uint64_t target_bytes = budget_bytes - budget_bytes / 8;
  const std::vector<Key> keys = pool_.keys_by_age();
  for (const Key& key : keys) {
    if (pool_.bytes() <= target_bytes) break;
    evict(key);
  }
  if (!over_budget() || write_back_and_evict(keys, target_bytes) || !over_budget()) return {};
  return fail(ENOSPC);
}

/// Counts by how much the pool is larger than it ever was.
template <class Pool, class Key, class Copy, class Metadata>
void CachedContents<Pool, Key, Copy, Metadata>::note_growth() {
  const std::uint64_t bytes = pool_.bytes();
  // Relaxed: a figure for a reader, which orders nothing.
  std::uint64_t peak = peak_bytes_.load(std::memory_order_relaxed);
  while (bytes > peak) {
    if (peak_bytes_.compare_exchange_weak(peak, bytes, std::memory_order_relaxed)) {
      count(Counter::kPoolBytesPeak, bytes - peak);
      return;
    }
  }
}

/// Returns false if a file could not be written back.
template <class Pool, class Key, class Copy, class Metadata>
bool CachedContents<Pool, Key, Copy, Metadata>::write_back_and_evict(const std::vector<Key>& keys,
                                                                     std::uint64_t target_bytes) {
  // A few files may fail for reasons of their own; beyond that the disk does.
  constexpr std::size_t kMaxFailures = 4;
  std::unordered_set<std::uint64_t> failed;
  for (const Key& key : keys) {
    if (pool_.bytes() <= target_bytes || failed.size() == kMaxFailures) break;
    if (failed.contains(key.inode().value)) continue;
    if (write_back(key.inode(), Durability::kOnRequest)) {
      evict(key);
    } else {
      failed.insert(key.inode().value);
    }
  }
  return failed.empty();
}

template <class Pool, class Key, class Copy, class Metadata>
void CachedContents<Pool, Key, Copy, Metadata>::evict(const Key& key) {
  const auto file = files_.find(key.inode());
  const auto is_clean = [](const Block& block) { return !block.dirty; };
  if (file != nullptr && pool_.remove_if(file->blocks, key, is_clean)) {
    count(Counter::kPoolEvictions);
  }
}

}  // namespace vfsprof::vfs
