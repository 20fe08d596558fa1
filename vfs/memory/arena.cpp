#include "vfs/memory/arena.h"

#include <sys/mman.h>

#include <bit>
#include <cerrno>
#include <mutex>
#include <new>

#include "vfs/base/check.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23  // Linux 5.14; the C library of Debian 12 may not name it
#endif

namespace vfsprof::vfs {

namespace {

/// Addresses to reserve: more than any machine's memory, far less than a process may address.
constexpr std::size_t kReservedBytes = std::size_t{256} << 30;

/// Faults all pages of a mapping in. Errors: std::bad_alloc if there is no memory.
void fault_in(std::byte* memory, std::size_t bytes) {
  if (::madvise(memory, bytes, MADV_POPULATE_WRITE) == 0) return;
  if (errno == ENOMEM) throw std::bad_alloc();  // touching it would end the process
  // An older kernel: touch each page.
  for (std::size_t at = 0; at < bytes; at += kPageBytes) {
    *static_cast<volatile std::byte*>(memory + at) = std::byte{0};
  }
}

}  // namespace

Arena::Arena() {
  reserved_ = ::mmap(nullptr, kReservedBytes + kSlabBytes, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved_ == MAP_FAILED) throw std::bad_alloc();
  const auto start = reinterpret_cast<std::uintptr_t>(reserved_);
  base_ = static_cast<std::byte*>(reserved_) + (kSlabBytes - start % kSlabBytes) % kSlabBytes;
}

Arena::~Arena() { ::munmap(reserved_, kReservedBytes + kSlabBytes); }

std::byte* Arena::allocate(std::size_t bytes) {
  VFSPROF_CHECK(bytes == kPageBytes || bytes == kSlabBytes);
  while (true) {
    {
      const std::lock_guard lock(lock_);
      std::byte* const found = bytes == kSlabBytes ? whole_slab() : page();
      if (found != nullptr) return found;
    }
    add_slab();  // which another thread may take first
  }
}

void Arena::release(std::byte* memory, std::size_t bytes) noexcept {
  const std::lock_guard lock(lock_);
  for (std::size_t at = 0; at < bytes; at += kPageBytes) release_page(memory + at);
}

std::size_t Arena::mapped_bytes() {
  const std::lock_guard lock(lock_);
  return slabs_.size() * kSlabBytes;
}

/// Null if every page is in use.
std::byte* Arena::page() {
  while (!partial_.empty()) {
    const std::uint32_t index = partial_.back();
    Slab& slab = slabs_[index];
    for (std::size_t word = 0; slab.free_pages > 0; ++word) {
      if (slab.free[word] == 0) continue;
      const auto bit = static_cast<std::size_t>(std::countr_zero(slab.free[word]));
      slab.free[word] &= slab.free[word] - 1;
      --slab.free_pages;
      return address(index) + (word * 64 + bit) * kPageBytes;
    }
    slab.in_partial = false;
    partial_.pop_back();
  }
  // Break up a slab: its first page is given out, the others are free.
  std::byte* const memory = whole_slab();
  if (memory == nullptr) return nullptr;
  const auto index = static_cast<std::uint32_t>((memory - base_) / kSlabBytes);
  Slab& slab = slabs_[index];
  slab.free.fill(~std::uint64_t{0});
  slab.free[0] -= 1;
  slab.free_pages = kPagesPerSlab - 1;
  list_as_partial(index);
  return memory;
}

/// Null if there is none of which every page is free.
std::byte* Arena::whole_slab() {
  while (!empty_.empty()) {
    const std::uint32_t index = empty_.back();
    empty_.pop_back();
    Slab& slab = slabs_[index];
    slab.in_empty = false;
    if (slab.free_pages != kPagesPerSlab) continue;  // pages were given out since it was listed
    slab.free.fill(0);
    slab.free_pages = 0;
    return address(index);
  }
  return nullptr;
}

/// Maps another slab, outside of the spin lock: it takes long.
void Arena::add_slab() {
  const std::lock_guard growing(growth_);
  const auto index = static_cast<std::uint32_t>(mapped_slabs_);
  if ((index + std::size_t{1}) * kSlabBytes > kReservedBytes) throw std::bad_alloc();
  std::byte* const memory = address(index);
  if (::mprotect(memory, kSlabBytes, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
  ::madvise(memory, kSlabBytes, MADV_HUGEPAGE);  // advice: without huge pages it works too
  fault_in(memory, kSlabBytes);
  const std::lock_guard lock(lock_);
  // Room for every slab in both lists, so that releasing a page never allocates.
  slabs_.emplace_back();
  partial_.reserve(slabs_.capacity());
  empty_.reserve(slabs_.capacity());
  ++mapped_slabs_;
  slabs_.back().free.fill(~std::uint64_t{0});
  slabs_.back().free_pages = kPagesPerSlab;
  slabs_.back().in_empty = true;
  empty_.push_back(index);
}

void Arena::release_page(std::byte* page) {
  const auto offset = static_cast<std::size_t>(page - base_);
  const auto index = static_cast<std::uint32_t>(offset / kSlabBytes);
  const std::size_t number = offset % kSlabBytes / kPageBytes;
  Slab& slab = slabs_[index];
  slab.free[number / 64] |= std::uint64_t{1} << number % 64;
  ++slab.free_pages;
  if (slab.free_pages < kPagesPerSlab) {
    list_as_partial(index);
  } else if (!slab.in_empty) {
    slab.in_empty = true;
    empty_.push_back(index);
  }
}

void Arena::list_as_partial(std::uint32_t slab) {
  if (slabs_[slab].in_partial) return;
  slabs_[slab].in_partial = true;
  partial_.push_back(slab);
}

}  // namespace vfsprof::vfs
