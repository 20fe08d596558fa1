#pragma once

#include <cstddef>
#include <memory_resource>
#include <new>
#include <string_view>

namespace vfsprof::vfs {

/// Each chunk is an allocation of its own from the process's heap. glibc maps large ones afresh, so
/// each page is faulted in, and zeroed by the kernel, on its first use; a block that grows fills
/// its new bytes with zeros once more. Cost: one allocation a chunk, one page fault a page, every
/// byte written twice before its payload. Source: the growing Vec of the system in the analysis
/// document.
class Heap final : public std::pmr::memory_resource {
 public:
  static constexpr std::string_view kName = "heap";
  static constexpr std::string_view kSummary =
      "growing zero-filled vectors from the heap, as found";

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return ::operator new(bytes, std::align_val_t{alignment});
  }
  void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override {
    ::operator delete(memory, bytes, std::align_val_t{alignment});
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

}  // namespace vfsprof::vfs
