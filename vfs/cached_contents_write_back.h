#pragma once

// The second half of cached_contents.h: write-back and eviction.

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
Result<void> CachedContents<Pool, Key, Copy, Metadata>::write_back_locked(InodeId inode,
                                                                          Durability durability) {
  const std::optional<DirtyFile> dirty = metadata_.begin_write_back(inode);
  if (!dirty) return {};
  Result<Extent> extent = metadata_.extent(inode);
  if (!extent) return Failure(extent.error());
  extent->size = dirty->size;  // what is behind it came later, and is written later
  Versions versions;
  const FileImage image{.inode = inode,
                        .size = dirty->size,
                        .chunk_bytes = geometry_.chunk_bytes,
                        .dirty = dirty->chunks,
                        .in_place_bytes = in_place_bytes(*extent),
                        .read = [&](std::uint64_t offset, std::span<std::byte> out) {
                          return copy_for_write_back(inode, offset, *extent, out, versions);
                        }};
  const auto written = setup_.flush->write_back(image, backing_.cache, durability);
  if (!written) {
    open_files_.report(inode, written.error());
    return written;
  }
  metadata_.end_write_back(inode, *dirty);
  for (const ChunkIndex chunk : dirty->chunks) {
    const auto version = versions.find(chunk.value);
    if (version == versions.end() || !version->second) continue;
    pool_.modify(Key(inode, chunk), [&](Block& block) {
      if (block.version == *version->second) block.dirty = false;
    });
  }
  return {};
}

/// The backing does not change meanwhile: that takes a write-back or a cut, and both exclude this
/// one.
template <class Pool, class Key, class Copy, class Metadata>
Result<void> CachedContents<Pool, Key, Copy, Metadata>::copy_for_write_back(
    InodeId inode, std::uint64_t offset, const Extent& extent, std::span<std::byte> out,
    Versions& versions) {
  const ChunkIndex chunk = geometry_.chunk_of(offset);
  const std::uint64_t start = geometry_.start_of(chunk);
  const std::uint64_t image_bytes = std::min(geometry_.chunk_bytes, extent.size - start);
  const auto look = [&](const Block& block) {
    const std::size_t from = std::min<std::uint64_t>(offset - start, block.data.size());
    const std::size_t bytes = std::min(out.size(), block.data.size() - from);
    copy_bytes(out.first(bytes), std::span(block.data).subspan(from, bytes));
    std::ranges::fill(out.subspan(bytes), std::byte{0});
    // A block that changed between two pieces is written in part. One that is longer than the file
    // grew since its size was taken: the rest is not written yet.
    const auto [first, is_first] = versions.try_emplace(chunk.value, block.version);
    if (block.data.size() > image_bytes || first->second != block.version) first->second.reset();
  };
  if (pool_.read(Key(inode, chunk), look)) return {};
  const std::uint64_t backed = std::max(extent.backing_bytes, offset) - offset;
  const std::size_t bytes = std::min<std::uint64_t>(backed, out.size());
  std::ranges::fill(out.subspan(bytes), std::byte{0});
  if (bytes == 0) return {};
  return backing_.read(inode, extent.backing, offset, out.first(bytes));
}

template <class Pool, class Key, class Copy, class Metadata>
Result<void> CachedContents<Pool, Key, Copy, Metadata>::write_back_all() {
  Result<void> result;
  for (const InodeId inode : metadata_.dirty_files()) {
    const auto written = write_back(inode, Durability::kOnRequest);
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
  if (pool_.remove_if(key, [](const Block& block) { return !block.dirty; })) {
    count(Counter::kPoolEvictions);
  }
}

}  // namespace vfsprof::vfs
