#pragma once

#include <cstddef>
#include <new>
#include <string_view>

#include "vfs/memory/memory.h"

namespace vfsprof::vfs {

/// Each chunk is one allocation of its own from the process's heap, reserved in full. glibc maps
/// large ones afresh, so each page is faulted in, and zeroed by the kernel, on its first use; a
/// block that grows fills its new bytes with zeros once more. Cost: one allocation a chunk, one
/// page fault a page, every byte written twice before its payload. Source: the growing Vec of the
/// system in the analysis document.
class Heap final : public BlockMemory {
 public:
  static constexpr std::string_view kName = "heap";
  static constexpr std::string_view kSummary =
      "growing zero-filled vectors from the heap, as found";

  std::size_t segment_bytes(std::size_t chunk_bytes) const override { return chunk_bytes; }
  bool fills_growth() const override { return true; }
  std::size_t slab_bytes() const override { return 0; }
  std::byte* allocate(std::size_t bytes) override {
    return static_cast<std::byte*>(::operator new(bytes, kAlignment));
  }
  void release(std::byte* memory, std::size_t bytes) noexcept override {
    ::operator delete(memory, bytes, kAlignment);
  }

 private:
  static constexpr std::align_val_t kAlignment{kPageBytes};
};

}  // namespace vfsprof::vfs
