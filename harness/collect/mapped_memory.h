#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <utility>

namespace vfsprof::harness {

/// Owns a memory mapping and unmaps it. An empty one holds nullptr.
class MappedMemory {
 public:
  MappedMemory() = default;
  /// Maps `size` bytes of `fd` from its start, shared. Empty, with errno set, if the kernel
  /// refuses.
  MappedMemory(int fd, std::size_t size, int protection) : size_(size) {
    void* const address = ::mmap(nullptr, size, protection, MAP_SHARED, fd, 0);
    if (address != MAP_FAILED) address_ = address;
  }
  /// Maps `size` bytes of new, zeroed, private memory. Empty, with errno set, if there is none.
  explicit MappedMemory(std::size_t size) : size_(size) {
    void* const address =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (address != MAP_FAILED) address_ = address;
  }
  MappedMemory(MappedMemory&& other) noexcept
      : address_(std::exchange(other.address_, nullptr)), size_(other.size_) {}
  MappedMemory& operator=(MappedMemory&& other) noexcept {
    std::swap(address_, other.address_);
    std::swap(size_, other.size_);
    return *this;
  }
  MappedMemory(const MappedMemory&) = delete;
  MappedMemory& operator=(const MappedMemory&) = delete;
  ~MappedMemory() {
    if (address_ != nullptr) ::munmap(address_, size_);
  }

  explicit operator bool() const { return address_ != nullptr; }
  std::byte* bytes() const { return static_cast<std::byte*>(address_); }
  std::size_t size() const { return size_; }

 private:
  void* address_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace vfsprof::harness
