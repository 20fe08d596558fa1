// The bytes of a block, on the heap and in the arena, against plain bytes.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "vfs/memory/arena.h"
#include "vfs/memory/heap.h"
#include "vfs/pool/block_bytes.h"
#include "vfs/tests/memory_checks.h"

namespace vfsprof::vfs {
namespace {

/// A block next to the bytes that it should hold.
class BlockModel {
 public:
  static constexpr std::size_t kChunkBytes = 64 << 10;
  BlockModel(BlockMemory& memory, std::uint32_t seed)
      : block_(memory, kChunkBytes), random_(seed) {}

  void write() {
    const std::size_t offset = random_.below(kChunkBytes);
    const std::size_t skipped = random_.below(10);
    std::vector<std::byte> bytes;
    const Payload payload =
        random_.payload(bytes, skipped + 1 + random_.below(kChunkBytes - offset));
    block_.write(offset, {.payload = payload, .offset = skipped, .size = bytes.size() - skipped});
    put(offset, {bytes.begin() + static_cast<std::ptrdiff_t>(skipped), bytes.end()});
  }

  void append() {
    std::vector<std::byte> bytes;
    random_.payload(bytes, random_.below(kChunkBytes - bytes_.size() + 1));
    block_.append(bytes);
    put(bytes_.size(), bytes);
  }

  void resize() {
    const std::size_t size = random_.below(kChunkBytes + 1);
    block_.resize(size);
    bytes_.resize(size);
  }

  /// A whole page changes hands, as under copy=adopt.
  void exchange(BlockMemory& memory) {
    const std::size_t offset = random_.below(kChunkBytes / kPageBytes) * kPageBytes;
    std::vector<std::byte> bytes;
    random_.payload(bytes, kPageBytes);
    block_.exchange_page(offset, [&](std::byte* old) {
      std::byte* const page = memory.allocate(kPageBytes);
      if (old != nullptr) memory.release(old, kPageBytes);
      std::ranges::copy(bytes, page);
      return page;
    });
    put(offset, bytes);
  }

  void move() {
    BlockBytes other = std::move(block_);
    EXPECT_EQ(block_.size(), 0U);
    block_ = std::move(other);
  }

  void check() const {
    ASSERT_EQ(block_.size(), bytes_.size());
    std::vector<std::byte> found(bytes_.size());
    block_.read(0, found);
    ASSERT_TRUE(found == bytes_);
  }
  void check_part() {
    if (bytes_.empty()) return;
    const std::size_t offset = random_.below(bytes_.size());
    std::vector<std::byte> found(random_.below(bytes_.size() - offset) + 1);
    block_.read(offset, found);
    ASSERT_TRUE(std::ranges::equal(found, std::span(bytes_).subspan(offset, found.size())));
  }

  std::size_t any_step(std::size_t kinds) { return random_.below(kinds); }

 private:
  /// What is beyond the end, or cut off, reads as zeros.
  void put(std::size_t offset, const std::vector<std::byte>& bytes) {
    bytes_.resize(std::max(bytes_.size(), offset + bytes.size()));
    std::ranges::copy(bytes, bytes_.begin() + static_cast<std::ptrdiff_t>(offset));
  }

  BlockBytes block_;
  std::vector<std::byte> bytes_;
  RandomNumbers random_;
};

/// Fills what the arena has with rubbish, so that a byte that should be zero is not so by chance.
void spoil(Arena& arena) {
  std::byte* const slab = arena.allocate(kSlabBytes);
  std::memset(slab, 0xee, kSlabBytes);
  arena.release(slab, kSlabBytes);
}

void step_at_random(BlockModel& model, BlockMemory* memory_of_pages) {
  switch (model.any_step(memory_of_pages != nullptr ? 6 : 5)) {
    case 0:
    case 1:
      return model.write();
    case 2:
      return model.append();
    case 3:
      return model.resize();
    case 4:
      return model.move();
    default:
      return model.exchange(*memory_of_pages);
  }
}

void behaves_as_plain_bytes_do(BlockMemory& memory, BlockMemory* memory_of_pages) {
  for (std::uint32_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(seed);
    BlockModel model(memory, seed);
    for (int i = 0; i < 300; ++i) {
      SCOPED_TRACE(i);
      step_at_random(model, memory_of_pages);
      model.check_part();
      model.check();
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(BlockBytesTest, OnTheHeapBehavesAsPlainBytesDo) {
  Heap heap;
  behaves_as_plain_bytes_do(heap, nullptr);
}

TEST(BlockBytesTest, InTheArenaBehavesAsPlainBytesDoAndGivesAllBack) {
  Arena arena;
  spoil(arena);
  behaves_as_plain_bytes_do(arena, &arena);
  expect_all_is_back(arena);
}

TEST(BlockBytesTest, CutAndExtendedReadsZerosWhereItWasCut) {
  Arena arena;
  Heap heap;
  for (BlockMemory* const memory :
       {static_cast<BlockMemory*>(&arena), static_cast<BlockMemory*>(&heap)}) {
    BlockBytes block(*memory, 64 << 10);
    const std::vector<std::byte> ones(20'000, std::byte{1});
    block.append(ones);
    block.resize(5'000);
    block.resize(20'000);
    std::vector<std::byte> found(20'000);
    block.read(0, found);
    EXPECT_EQ(std::ranges::count(found, std::byte{1}), 5'000);
    EXPECT_EQ(std::ranges::count(found, std::byte{0}), 15'000);
  }
}

}  // namespace
}  // namespace vfsprof::vfs
