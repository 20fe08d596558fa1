#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "vfs/counters.h"
#include "vfs/memory/memory.h"
#include "vfs/payload.h"

namespace vfsprof::vfs {

/// The bytes of a block: from the start of the chunk to the last byte that was written, in segments
/// that a BlockMemory gives out as the block grows. Errors: std::bad_alloc where it grows.
/// Threads: as a container.
class BlockBytes {
 public:
  BlockBytes() = default;
  /// No bytes yet. `memory` must outlive them.
  BlockBytes(BlockMemory& memory, std::size_t chunk_bytes)
      : memory_(&memory), segment_bits_(std::countr_zero(memory.segment_bytes(chunk_bytes))) {}
  BlockBytes(BlockBytes&& other) noexcept { swap(other); }
  BlockBytes& operator=(BlockBytes&& other) noexcept {
    BlockBytes(std::move(other)).swap(*this);
    return *this;
  }
  ~BlockBytes() { release_segments(0); }

  std::size_t size() const { return size_; }

  /// Copies the part to `offset`; the block grows as needed.
  void write(std::size_t offset, const PayloadPart& part) {
    make_writable(offset, part.size);
    count(Counter::kBytesCopied, part.size);
    for_each_piece(offset, part.size, [&](std::size_t done, std::span<std::byte> piece) {
      part.payload.copy_to(part.offset + done, piece);
    });
  }

  /// Copies from `offset` on; the bytes must be there.
  void read(std::size_t offset, std::span<std::byte> out) const {
    for_each_piece(offset, out.size(), [&](std::size_t done, std::span<const std::byte> piece) {
      std::memcpy(out.data() + done, piece.data(), piece.size());
    });
  }

  /// Adds bytes that were fetched; not counted as copied.
  void append(std::span<const std::byte> bytes) {
    const std::size_t offset = size_;
    make_writable(offset, bytes.size());
    for_each_piece(offset, bytes.size(), [&](std::size_t done, std::span<std::byte> piece) {
      std::memcpy(piece.data(), bytes.data() + done, piece.size());
    });
  }

  /// Gives the page at `offset`, a multiple of kPageBytes, to `exchange`, and puts the page that it
  /// returns, full of data, in its place; null if there was none. Only where segments are pages.
  template <class Exchange>
  void exchange_page(std::size_t offset, Exchange&& exchange) {
    if (offset + kPageBytes > size_) [[unlikely]]
      grow_before_page(offset);
    std::byte*& page = segments_[offset / kPageBytes];
    page = exchange(page);
  }

  /// Cuts, or extends with zeros.
  void resize(std::size_t bytes) {
    if (bytes < size_) {
      size_ = bytes;
      release_segments(segments_for(bytes));
    } else if (bytes > size_) {
      extend(bytes);
      zero(size_, bytes);
      size_ = bytes;
    }
  }

  void swap(BlockBytes& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(segment_bits_, other.segment_bits_);
    std::swap(size_, other.size_);
    segments_.swap(other.segments_);
  }

 private:
  std::size_t segment_bytes() const { return std::size_t{1} << segment_bits_; }
  std::size_t segments_for(std::size_t bytes) const {
    return (bytes + segment_bytes() - 1) >> segment_bits_;
  }

  void make_writable(std::size_t offset, std::size_t bytes) {
    if (offset + bytes > size_) [[unlikely]]
      grow(offset, bytes);
  }

  /// Rare, so not inlined into a write.
  [[gnu::noinline]] void grow(std::size_t offset, std::size_t bytes) {
    extend(offset + bytes);
    zero(size_, memory_->fills_growth() ? offset + bytes : std::max(offset, size_));
    size_ = offset + bytes;
  }

  [[gnu::noinline]] void grow_before_page(std::size_t offset) {
    extend(offset);
    zero(size_, std::max(offset, size_));
    if (segments_.size() == offset / kPageBytes) segments_.push_back(nullptr);
    size_ = std::max(size_, offset + kPageBytes);
  }

  /// Memory for `bytes`; what is new may hold anything.
  void extend(std::size_t bytes) {
    const std::size_t wanted = segments_for(bytes);
    segments_.reserve(wanted);
    while (segments_.size() < wanted) segments_.push_back(memory_->allocate(segment_bytes()));
  }

  void zero(std::size_t from, std::size_t to) {
    if (to <= from) return;
    count(Counter::kBytesZeroed, to - from);
    for_each_piece(from, to - from, [](std::size_t, std::span<std::byte> piece) {
      std::memset(piece.data(), 0, piece.size());
    });
  }

  void release_segments(std::size_t kept) {
    while (segments_.size() > kept) {
      if (segments_.back() != nullptr) memory_->release(segments_.back(), segment_bytes());
      segments_.pop_back();
    }
  }

  template <class Visit>
  void for_each_piece(std::size_t offset, std::size_t bytes, Visit&& visit) const {
    for (std::size_t done = 0; done < bytes;) {
      const std::span<std::byte> piece = piece_at(offset + done, bytes - done);
      visit(done, piece);
      done += piece.size();
    }
  }

  std::span<std::byte> piece_at(std::size_t offset, std::size_t limit) const {
    const std::size_t in_segment = offset & (segment_bytes() - 1);
    return {segments_[offset >> segment_bits_] + in_segment,
            std::min(limit, segment_bytes() - in_segment)};
  }

  BlockMemory* memory_ = nullptr;
  int segment_bits_ = 0;
  std::size_t size_ = 0;
  std::vector<std::byte*> segments_;
};

}  // namespace vfsprof::vfs
