// Memory of blocks: the arena, the heap, and the pages that payloads are received into.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <new>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "vfs/memory/arena.h"
#include "vfs/memory/heap.h"
#include "vfs/memory/payload_pages.h"
#include "vfs/tests/memory_checks.h"

namespace vfsprof::vfs {
namespace {

TEST(ArenaTest, GivesAlignedMemoryThatCanBeWritten) {
  Arena arena;
  EXPECT_EQ(arena.mapped_bytes(), 0U);
  std::byte* const page = arena.allocate(kPageBytes);
  std::byte* const slab = arena.allocate(kSlabBytes);
  EXPECT_TRUE(is_aligned(page));
  EXPECT_TRUE(is_aligned(slab));
  std::memset(page, 1, kPageBytes);
  std::memset(slab, 2, kSlabBytes);
  EXPECT_EQ(page[kPageBytes - 1], std::byte{1});
  EXPECT_EQ(arena.mapped_bytes(), 2 * kSlabBytes);
  arena.release(page, kPageBytes);
  arena.release(slab, kSlabBytes);
}

TEST(ArenaTest, UsesWhatWasReleasedBeforeItMapsMore) {
  Arena arena;
  for (int round = 0; round < 3; ++round) {
    std::vector<std::byte*> pages;
    for (std::size_t i = 0; i < 2 * kPagesPerSlab; ++i) {
      pages.push_back(arena.allocate(kPageBytes));
    }
    EXPECT_EQ(arena.mapped_bytes(), 2 * kSlabBytes);
    for (std::byte* const page : pages) arena.release(page, kPageBytes);
  }
}

TEST(ArenaTest, PagesOfASlabReleasedOneByOneMakeItWholeAgain) {
  Arena arena;
  std::byte* const slab = arena.allocate(kSlabBytes);
  std::vector<std::size_t> order(kPagesPerSlab);
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::shuffle(order, std::mt19937(1));
  for (const std::size_t page : order) arena.release(slab + page * kPageBytes, kPageBytes);
  EXPECT_EQ(arena.allocate(kSlabBytes), slab);
  EXPECT_EQ(arena.mapped_bytes(), kSlabBytes);
}

TEST(ArenaTest, ASlabWithAPageInUseIsNotGivenOutWhole) {
  Arena arena;
  std::byte* const slab = arena.allocate(kSlabBytes);
  arena.release(slab, kSlabBytes);
  std::byte* const page = arena.allocate(kPageBytes);
  std::byte* const other = arena.allocate(kSlabBytes);
  EXPECT_NE(other, slab);
  EXPECT_EQ(page, slab) << "what was released is broken up before more is mapped";
  arena.release(page, kPageBytes);
  EXPECT_EQ(arena.allocate(kSlabBytes), slab);
}

/// Allocates and releases at random, and checks that nothing is given out twice.
class ArenaUser {
 public:
  ArenaUser(Arena& arena, std::uint32_t id) : arena_(arena), id_(id), random_(id) {}

  void step() {
    if (random_.below(20) == 0 && slabs_.size() < 3) {
      slabs_.push_back(arena_.allocate(kSlabBytes));
      for (std::size_t i = 0; i < kPagesPerSlab; ++i) own(slabs_.back() + i * kPageBytes);
    } else if (random_.below(20) == 0 && !slabs_.empty()) {
      // As one, or one page at a time.
      std::byte* const slab = slabs_.back();
      slabs_.pop_back();
      for (std::size_t i = 0; i < kPagesPerSlab; ++i) give_up(slab + i * kPageBytes);
      if (random_.below(2) == 0) return arena_.release(slab, kSlabBytes);
      for (std::size_t i = 0; i < kPagesPerSlab; ++i) {
        arena_.release(slab + i * kPageBytes, kPageBytes);
      }
    } else if (random_.below(2) == 0 && pages_.size() < 1500) {
      for (std::size_t i = 0; i < 20; ++i) {
        pages_.push_back(arena_.allocate(kPageBytes));
        own(pages_.back());
      }
    } else {
      for (std::size_t i = 0; i < 20 && !pages_.empty(); ++i) release_any_page();
    }
  }

  void release_all() {
    while (!pages_.empty()) release_any_page();
    for (std::byte* const slab : slabs_) {
      for (std::size_t i = 0; i < kPagesPerSlab; ++i) give_up(slab + i * kPageBytes);
      arena_.release(slab, kSlabBytes);
    }
    slabs_.clear();
  }

 private:
  std::uint64_t mark_of(const std::byte* page) const {
    return reinterpret_cast<std::uintptr_t>(page) ^ std::uint64_t{id_} << 56;
  }
  void own(std::byte* page) { mark(page, mark_of(page)); }
  void give_up(std::byte* page) {
    EXPECT_TRUE(has_mark(page, mark_of(page))) << "somebody else was given this page too";
    mark(page, 0);
  }
  void release_any_page() {
    std::swap(pages_[random_.below(pages_.size())], pages_.back());
    std::byte* const page = pages_.back();
    pages_.pop_back();
    give_up(page);
    arena_.release(page, kPageBytes);
  }

  Arena& arena_;
  const std::uint32_t id_;
  RandomNumbers random_;
  std::vector<std::byte*> pages_;
  std::vector<std::byte*> slabs_;
};

TEST(ArenaTest, GivesNothingOutTwiceHoweverItIsUsed) {
  Arena arena;
  ArenaUser user(arena, 1);
  for (int i = 0; i < 3000; ++i) user.step();
  user.release_all();
  expect_all_is_back(arena);
}

TEST(ArenaTest, GivesNothingOutTwiceToManyThreads) {
  Arena arena;
  {
    std::vector<std::jthread> threads;
    for (std::uint32_t id = 1; id <= 4; ++id) {
      threads.emplace_back([&arena, id] {
        ArenaUser user(arena, id);
        for (int i = 0; i < 1000; ++i) user.step();
        user.release_all();
      });
    }
  }
  expect_all_is_back(arena);
}

TEST(HeapTest, GivesChunksInOnePieceAndNoSlabs) {
  Heap heap;
  EXPECT_EQ(heap.slab_bytes(), 0U);
  for (const std::size_t chunk : {std::size_t{4096}, std::size_t{1} << 20}) {
    EXPECT_EQ(heap.segment_bytes(chunk), chunk);
    std::byte* const memory = heap.allocate(chunk);
    EXPECT_TRUE(is_aligned(memory));
    std::memset(memory, 1, chunk);
    heap.release(memory, chunk);
  }
}

/// Stands for the cache: keeps pages that came in payloads, and gives old ones back as spares.
class PageKeeper {
 public:
  explicit PageKeeper(Arena& arena) : arena_(arena) {}
  ~PageKeeper() {
    for (const auto& [page, value] : kept_) arena_.release(page, kPageBytes);
  }

  /// Keeps a page that holds `value`, for an old one of ours if `for_an_old_one`.
  void take(PayloadPages& pages, std::size_t index, std::uint64_t value, bool for_an_old_one) {
    std::byte* old = nullptr;
    if (for_an_old_one && !kept_.empty()) {
      old = kept_.begin()->first;
      kept_.erase(kept_.begin());
    }
    std::byte* const page = pages.exchange(index, old);
    ASSERT_TRUE(kept_.emplace(page, value).second) << "given out twice";
    ASSERT_TRUE(has_mark(page, value));
  }

  void check() const {
    for (const auto& [page, value] : kept_) ASSERT_TRUE(has_mark(page, value));
  }
  std::size_t size() const { return kept_.size(); }

 private:
  Arena& arena_;
  std::map<std::byte*, std::uint64_t> kept_;
};

std::byte* page_of(const PayloadPages& pages, std::size_t index) {
  return index == 0 ? pages.first().data() : pages.rest().data() + (index - 1) * kPageBytes;
}

TEST(PayloadPagesTest, KeepsWhatWasGivenAwayAndLosesNoPage) {
  Arena arena;
  RandomNumbers random(1);
  for (const std::size_t max_pages : {std::size_t{1}, std::size_t{7}, std::size_t{256}}) {
    PageKeeper keeper(arena);
    PayloadPages pages(arena, max_pages * kPageBytes);
    std::uint64_t value = max_pages << 32;
    for (int round = 0; round < 500; ++round) {
      pages.renew();
      const std::size_t size = 1 + random.below(max_pages);
      const std::uint64_t base = value;
      for (std::size_t i = 0; i < size; ++i) mark(page_of(pages, i), ++value);
      const bool keeps_all = random.below(2) == 0;
      const bool has_old_ones = keeper.size() > 600 || random.below(2) == 0;
      for (std::size_t i = 0; i < size; ++i) {
        if (!keeps_all && random.below(2) == 0) continue;
        keeper.take(pages, i, base + i + 1, has_old_ones);
        if (HasFatalFailure()) return;
      }
      if (round % 50 == 0) keeper.check();
      if (HasFatalFailure()) return;
    }
    keeper.check();
  }
  expect_all_is_back(arena);
}

TEST(PayloadPagesTest, WhatWasNotGivenAwayStaysInPlace) {
  Arena arena;
  PayloadPages pages(arena, 4 * kPageBytes);
  std::byte* const first = pages.first().data();
  std::byte* const rest = pages.rest().data();
  EXPECT_EQ(pages.rest().size(), 4 * kPageBytes);
  pages.renew();
  EXPECT_EQ(pages.first().data(), first);
  EXPECT_EQ(pages.rest().data(), rest);
}

TEST(PayloadPagesTest, OnePageForAnotherTakesNothingFromTheArena) {
  Arena arena;
  PayloadPages pages(arena, kPageBytes);
  std::byte* kept = arena.allocate(kPageBytes);
  const std::size_t mapped = arena.mapped_bytes();
  for (int i = 0; i < 5000; ++i) {
    std::byte* const received = pages.first().data();
    std::byte* const spare = kept;
    kept = pages.exchange(0, spare);
    EXPECT_EQ(kept, received);
    pages.renew();
    ASSERT_EQ(pages.first().data(), spare);
  }
  EXPECT_EQ(arena.mapped_bytes(), mapped);
  arena.release(kept, kPageBytes);
}

/// Memory whose slabs run out.
class LimitedMemory final : public BlockMemory {
 public:
  std::size_t segment_bytes(std::size_t) const override { return kPageBytes; }
  bool fills_growth() const override { return false; }
  std::size_t slab_bytes() const override { return kSlabBytes; }
  std::byte* allocate(std::size_t bytes) override {
    if (bytes == kSlabBytes) {
      if (slabs_left == 0) throw std::bad_alloc();
      --slabs_left;
    }
    return arena.allocate(bytes);
  }
  void release(std::byte* memory, std::size_t bytes) noexcept override {
    arena.release(memory, bytes);
  }

  Arena arena;
  std::size_t slabs_left = 0;
};

TEST(PayloadPagesTest, WithoutMemoryForTheNextPayloadTheRoomIsNotPassed) {
  LimitedMemory memory;
  memory.slabs_left = 1;
  {
    PayloadPages pages(memory, kSlabBytes - kPageBytes);
    PageKeeper keeper(memory.arena);
    mark(page_of(pages, 0), 1);
    mark(page_of(pages, kPagesPerSlab - 1), 2);
    keeper.take(pages, 0, 1, false);
    keeper.take(pages, kPagesPerSlab - 1, 2, false);
    EXPECT_THROW(pages.renew(), std::bad_alloc);
    EXPECT_THROW(pages.renew(), std::bad_alloc) << "the room is still used up";
    memory.slabs_left = 1;
    pages.renew();
    std::ranges::fill(pages.rest(), std::byte{3});
    keeper.check();
  }
  expect_all_is_back(memory.arena);
}

}  // namespace
}  // namespace vfsprof::vfs
