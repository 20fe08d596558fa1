#pragma once

// The second part of cached_contents.h: reading, fetching and cutting.

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <optional>
#include <shared_mutex>
#include <span>
#include <utility>
#include <vector>

#include "vfs/cached_contents.h"

namespace vfsprof::vfs {

template <class Pool, class Key, class Copy, class Metadata>
std::optional<Result<std::size_t>> CachedContents<Pool, Key, Copy, Metadata>::read_from(
    File& file, FileRange range, std::span<std::byte> out, Fetch fetch) {
  // Reading goes on even if there is no room: what it adds is clean.
  if (over_budget()) (void)make_room();
  const std::shared_lock lock(file.locks.content);
  const Result<Extent> extent = metadata_.extent(file.metadata, file.inode);
  if (!extent) return Failure(extent.error());
  if (range.offset >= extent->size) return std::size_t{0};
  range.size = std::min<std::uint64_t>(range.size, extent->size - range.offset);
  if (fetch == Fetch::kRefused && extent->backing == Backing::kStore) [[unlikely]] {
    if (must_fetch(file, range, *extent, Access::kRead)) return std::nullopt;
  }
  const auto result = geometry_.for_each_part(range, [&](const ChunkPart& part) {
    return read_part(file, part, out.subspan(part.offset_in_range, part.size));
  });
  if (!result) return Failure(result.error());
  return range.size;
}

template <class Pool, class Key, class Copy, class Metadata>
Result<void> CachedContents<Pool, Key, Copy, Metadata>::read_part(File& file, const ChunkPart& part,
                                                                  std::span<std::byte> out) {
  const auto look = [&](const Block& block) {
    const std::size_t start = std::min(part.offset_in_chunk, block.data.size());
    const std::size_t bytes = std::min(out.size(), block.data.size() - start);
    block.data.read(start, out.first(bytes));
    std::ranges::fill(out.subspan(bytes), std::byte{0});
  };
  while (!pool_.read(file.blocks, key_of(file, part.chunk), look)) {
    const Result<Found> found = load(file, part.chunk);
    if (!found) return Failure(found.error());
    if (*found == Found::kHole) {
      std::ranges::fill(out, std::byte{0});
      break;
    }
  }
  return {};
}

/// Brings a missing block into the pool, unless it is a hole.
template <class Pool, class Key, class Copy, class Metadata>
auto CachedContents<Pool, Key, Copy, Metadata>::load(File& file, ChunkIndex chunk)
    -> Result<Found> {
  const std::lock_guard lock(file.locks.load);
  const Key key = key_of(file, chunk);
  if (pool_.read(file.blocks, key, [](const Block&) {})) return Found::kBlock;
  const Result<Extent> extent = metadata_.extent(file.metadata, file.inode);
  if (!extent) return Failure(extent.error());
  if (backed_bytes(*extent, chunk) == 0) return Found::kHole;
  try {
    Block block{.data = BlockBytes(*setup_.memory, geometry_.chunk_bytes)};
    if (const auto got = fetch(file, chunk, *extent, block); !got) return Failure(got.error());
    pool_.insert(file.blocks, key, std::move(block));
  } catch (const std::bad_alloc&) {
    return fail(ENOMEM);
  }
  count(Counter::kPoolInserts);
  return Found::kBlock;
}

/// Fills a new block with what stands behind its chunk.
template <class Pool, class Key, class Copy, class Metadata>
Result<void> CachedContents<Pool, Key, Copy, Metadata>::fetch(File& file, ChunkIndex chunk,
                                                              const Extent& extent, Block& block) {
  constexpr std::uint64_t kPieceBytes = std::uint64_t{1} << 20;
  const std::uint64_t start = geometry_.start_of(chunk);
  const std::uint64_t backed = backed_bytes(extent, chunk);
  std::vector<std::byte> piece;
  for (std::uint64_t done = 0; done < backed; done += piece.size()) {
    piece.resize(std::min(kPieceBytes, backed - done));
    const auto got = backing_.read(file.inode, extent.backing, start + done, piece);
    if (!got) return got;
    block.data.append(piece);
  }
  return {};
}

template <class Pool, class Key, class Copy, class Metadata>
Result<void> CachedContents<Pool, Key, Copy, Metadata>::resize(InodeId inode, std::uint64_t size) {
  if (!geometry_.fits(0, size)) return fail(EFBIG);
  const auto file = files_.find(inode);
  if (file == nullptr) return fail(ESTALE);
  const std::lock_guard write_back_lock(file->locks.write_back);
  const bool was_dirty = metadata_.is_dirty(file->metadata, inode);
  {
    const std::lock_guard content_lock(file->locks.content);
    const Result<Extent> extent = metadata_.extent(file->metadata, inode);
    if (!extent) return Failure(extent.error());
    cut_blocks(*file, size, extent->size);
    const auto resized = metadata_.resize(file->metadata, inode, size, file_time_now());
    if (!resized) return resized;
  }
  return was_dirty ? write_back_locked(*file, Durability::kOnRequest) : Result<void>();
}

/// Removes what blocks hold of a file beyond `size`. Nobody reads or writes the file meanwhile.
template <class Pool, class Key, class Copy, class Metadata>
void CachedContents<Pool, Key, Copy, Metadata>::cut_blocks(File& file, std::uint64_t size,
                                                           std::uint64_t old_size) {
  if (size >= old_size) return;
  const std::size_t kept_of_last = size % geometry_.chunk_bytes;
  if (kept_of_last > 0) {
    pool_.modify(file.blocks, key_of(file, geometry_.chunk_of(size)), [&](Block& block) {
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
      pool_.remove(file.blocks, key_of(file, ChunkIndex{static_cast<std::uint32_t>(chunk)}));
    }
    return;
  }
  for (const Key& key : pool_.keys_by_age()) {
    if (key.inode() == file.inode && key.chunk().value >= first) pool_.remove(file.blocks, key);
  }
}

template <class Pool, class Key, class Copy, class Metadata>
void CachedContents<Pool, Key, Copy, Metadata>::gone(InodeId inode) {
  const auto file = files_.find(inode);
  if (file == nullptr) return;  // not a regular file
  const std::lock_guard write_back_lock(file->locks.write_back);
  const std::lock_guard content_lock(file->locks.content);
  if (const Result<Extent> extent = metadata_.extent(file->metadata, inode)) {
    cut_blocks(*file, 0, extent->size);
  }
  metadata_.drop(file->metadata, inode);
  files_.remove(inode);
}

}  // namespace vfsprof::vfs
