#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "vfs/memory/memory.h"

namespace vfsprof::vfs {

/// The pages that a session thread receives payloads into, and of which the cache may keep any.
/// A payload fills the first page and then a window of pages in a row, so that two pieces describe
/// it, whatever was kept of those before it. A payload of one page costs an exchange of two
/// pointers; a longer one moves the window on.
/// Threads: one thread at a time.
class PayloadPages {
 public:
  /// Room for payloads of up to `max_bytes`, a slab less a page at most, from a memory that has
  /// slabs. Errors: std::bad_alloc.
  PayloadPages(BlockMemory& memory, std::size_t max_bytes);
  ~PayloadPages();
  PayloadPages(const PayloadPages&) = delete;
  PayloadPages& operator=(const PayloadPages&) = delete;

  /// Where the next payload goes, the first page and what follows; valid until `renew`.
  std::span<std::byte> first() const { return {first_, kPageBytes}; }
  std::span<std::byte> rest() const {
    return {slab_ + used_pages_ * kPageBytes, window_pages_ * kPageBytes};
  }

  /// Gives away page `index` of the payload, once, and takes `spare` in its place; null: there is
  /// none.
  std::byte* exchange(std::size_t index, std::byte* spare);

  /// Makes room for the next payload. Errors: std::bad_alloc.
  void renew() {
    if (first_ == nullptr || window_given_ > 0) [[unlikely]]
      refill();
  }

 private:
  void refill();
  void release_pages(std::size_t from, std::size_t to);

  BlockMemory& memory_;
  const std::size_t window_pages_;
  std::byte* first_;
  std::byte* slab_;
  std::size_t used_pages_ = 0;    ///< of the slab, before the window
  std::size_t window_given_ = 0;  ///< pages of the window up to the last that was given away
  std::vector<bool> given_;       ///< by page of the window
  std::vector<std::byte*> spares_;
};

}  // namespace vfsprof::vfs
