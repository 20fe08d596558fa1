#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <vector>

#include "vfs/base/spin_lock.h"
#include "vfs/memory/memory.h"
#include "vfs/word_names.h"

namespace vfsprof::vfs {

/// Pages from recycled slabs of 2 MiB, each faulted in as a whole when it is first needed and
/// offered to the kernel for a huge page. What is released is used again before a new slab is, so
/// in steady state nothing is mapped, faulted in or zeroed. Cost: a page is a few instructions
/// under a spin lock; a slab is two system calls. Memory stays with the arena until it is
/// destroyed. Source: the slabs of Bonwick, "The Slab Allocator" (USENIX 1994), with pages as
/// objects.
class Arena final : public BlockMemory {
 public:
  static constexpr std::string_view kName = "arena";
  static constexpr std::string_view kSummary =
      "recycled, pre-faulted slabs that are advised to be huge pages";
  static constexpr std::size_t kSlabBytes = std::size_t{2} << 20;

  /// Reserves addresses, no memory. Errors: std::bad_alloc.
  Arena();
  ~Arena() override;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  std::size_t segment_bytes(std::size_t) const override { return kPageBytes; }
  bool fills_growth() const override { return false; }
  std::size_t slab_bytes() const override { return kSlabBytes; }
  /// `bytes` is kPageBytes or kSlabBytes.
  std::byte* allocate(std::size_t bytes) override;
  void release(std::byte* memory, std::size_t bytes) noexcept override;

  /// Bytes of all slabs.
  std::size_t mapped_bytes();

 private:
  static constexpr std::size_t kPagesPerSlab = kSlabBytes / kPageBytes;

  /// Which pages of a slab are free: one bit each.
  struct Slab {
    std::array<std::uint64_t, kPagesPerSlab / 64> free{};
    std::uint32_t free_pages = 0;
    bool in_partial = false;
    bool in_empty = false;
  };

  std::byte* page();
  std::byte* whole_slab();
  void add_slab();
  std::byte* address(std::size_t slab) const { return base_ + slab * kSlabBytes; }
  void release_page(std::byte* page);
  void list_as_partial(std::uint32_t slab);

  std::byte* base_ = nullptr;  // of the reserved addresses, aligned to a slab
  void* reserved_ = nullptr;

  std::mutex growth_;  // guards the next; taken before `lock_`
  const WordName growth_name_{growth_, "arena.growth", WordPurpose::kLock};
  std::size_t mapped_slabs_ = 0;
  SpinLock lock_;                       // guards all below
  std::vector<Slab> slabs_;             // those that were mapped, in the order of their addresses
  std::vector<std::uint32_t> partial_;  // slabs that may have free and used pages
  std::vector<std::uint32_t> empty_;    // slabs all of whose pages may be free
};

}  // namespace vfsprof::vfs
