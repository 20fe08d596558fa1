#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <set>
#include <vector>

#include "vfs/memory/arena.h"
#include "vfs/payload.h"

namespace vfsprof::vfs {

inline constexpr std::size_t kSlabBytes = Arena::kSlabBytes;
inline constexpr std::size_t kPagesPerSlab = kSlabBytes / kPageBytes;

inline bool is_aligned(const std::byte* memory) {
  return reinterpret_cast<std::uintptr_t>(memory) % kPageBytes == 0;
}

/// Writes a mark to both ends of a page, so that a page given out twice is seen.
inline void mark(std::byte* page, std::uint64_t value) {
  std::memcpy(page, &value, sizeof value);
  std::memcpy(page + kPageBytes - sizeof value, &value, sizeof value);
}
inline bool has_mark(const std::byte* page, std::uint64_t value) {
  return std::memcmp(page, &value, sizeof value) == 0 &&
         std::memcmp(page + kPageBytes - sizeof value, &value, sizeof value) == 0;
}

class RandomNumbers {
 public:
  explicit RandomNumbers(std::uint32_t seed) : random_(seed) {}
  std::size_t below(std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_);
  }
  Payload payload(std::vector<std::byte>& bytes, std::size_t size) {
    bytes.resize(size);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random_());
    return Payload(bytes);
  }

 private:
  std::mt19937 random_;
};

/// Takes all that is mapped as whole slabs: works only if every page came back, once.
inline void expect_all_is_back(Arena& arena) {
  const std::size_t mapped = arena.mapped_bytes();
  std::set<std::byte*> slabs;
  for (std::size_t i = 0; i < mapped / kSlabBytes; ++i) slabs.insert(arena.allocate(kSlabBytes));
  EXPECT_EQ(slabs.size(), mapped / kSlabBytes) << "a slab was given out twice";
  EXPECT_EQ(arena.mapped_bytes(), mapped) << "a page was lost";
  for (std::byte* const slab : slabs) arena.release(slab, kSlabBytes);
}

}  // namespace vfsprof::vfs
