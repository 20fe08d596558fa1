// copy=adopt: payloads that were received into pages change hands, and nothing is copied that need
// not be.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <utility>

#include "vfs/counters.h"
#include "vfs/engine_setup.h"
#include "vfs/flush/batched.h"
#include "vfs/memory/arena.h"
#include "vfs/tests/engine_fixture.h"

namespace vfsprof::vfs {

// Of a generated translation unit (engine.cpp.in): here the test keeps an eye on the memory.
std::unique_ptr<Engine> make_chunk_array_fx_packed_adopt_per_inode_clock(EngineSetup setup);

namespace {

using File = EngineUnderTest::File;

constexpr std::size_t kMaxWrite = std::size_t{1} << 20;
constexpr std::uint64_t kChunk = std::uint64_t{1} << 20;
constexpr EngineCombination kBest{"chunk_array", "fx", "packed", "adopt", "per_inode", "clock"};

/// As RequestBuffer does: room is made, the payload is received, the engine writes it.
void receive_and_write(Engine& engine, PayloadPages& pages, File file, std::uint64_t offset,
                       std::span<const std::byte> bytes) {
  pages.renew();
  const std::size_t in_first = std::min(bytes.size(), pages.first().size());
  const std::span<std::byte> first = pages.first().first(in_first);
  const std::span<std::byte> rest = pages.rest().first(bytes.size() - in_first);
  std::ranges::copy(bytes.first(in_first), first.begin());
  std::ranges::copy(bytes.subspan(in_first), rest.begin());
  const auto written =
      engine.try_write({file.inode, file.handle, offset, Payload(first, rest, &pages)});
  ASSERT_TRUE(written.has_value()) << "there is nothing to fetch";
  ASSERT_EQ(written->value_or(0), bytes.size());
}

/// `best` with the pages of a session thread, which it fills as the kernel does.
class AdoptTest : public testing::Test {
 protected:
  std::uint64_t copied_by_write(std::uint64_t offset, std::span<const std::byte> bytes) {
    const std::uint64_t before = total(Counter::kBytesCopied);
    write(offset, bytes);
    return total(Counter::kBytesCopied) - before;
  }

  void write(std::uint64_t offset, std::span<const std::byte> bytes) {
    receive_and_write(fs_.engine(), *pages_, file_, offset, bytes);
  }

  /// What the next payloads do to the pages that they are received into.
  void overwrite_receive_pages() {
    pages_->renew();
    std::ranges::fill(pages_->first(), std::byte{0xee});
    std::ranges::fill(pages_->rest(), std::byte{0xee});
  }

  Bytes random_bytes(std::size_t size) {
    Bytes bytes(size);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random_());
    return bytes;
  }
  std::uint64_t below(std::uint64_t limit) {
    return std::uniform_int_distribution<std::uint64_t>(0, limit - 1)(random_);
  }

  EngineUnderTest fs_{kBest, {.flush = "batched", .memory = "arena", .chunk_bytes = kChunk}};
  const File file_ = fs_.create("a");
  std::unique_ptr<PayloadPages> pages_ = fs_.engine().payload_pages(kMaxWrite);
  std::mt19937 random_{1};
};

TEST_F(AdoptTest, AlignedWritesCopyNothing) {
  ASSERT_NE(pages_, nullptr);
  for (const std::size_t size : {kPageBytes, 3 * kPageBytes, kMaxWrite}) {
    const Bytes content = random_bytes(size);
    for (int round = 0; round < 3; ++round) {
      EXPECT_EQ(copied_by_write(2 * kChunk, content), 0U) << size << ", round " << round;
    }
    EXPECT_EQ(fs_.read(file_, 2 * kChunk, size), content);
  }
}

TEST_F(AdoptTest, AnAlignedWriteOverTwoChunksCopiesNothing) {
  const Bytes content = random_bytes(kMaxWrite);
  EXPECT_EQ(copied_by_write(kChunk / 2, content), 0U);
  EXPECT_EQ(fs_.read(file_, kChunk / 2, kMaxWrite), content);
}

TEST_F(AdoptTest, WhatIsNotAWholeAlignedPageIsCopiedOnce) {
  EXPECT_EQ(copied_by_write(1, random_bytes(kPageBytes)), kPageBytes);
  EXPECT_EQ(copied_by_write(kPageBytes + 1, random_bytes(kMaxWrite)), kMaxWrite);
  EXPECT_EQ(copied_by_write(0, random_bytes(100)), 100U);
  EXPECT_EQ(copied_by_write(0, random_bytes(3 * kPageBytes + 100)), 100U) << "only the tail";
}

TEST_F(AdoptTest, APayloadThatWasNotReceivedIntoPagesIsCopiedOnce) {
  const Bytes content = random_bytes(kMaxWrite);
  const std::uint64_t before = total(Counter::kBytesCopied);
  EXPECT_EQ(fs_.write(file_, 0, content), 0);
  EXPECT_EQ(total(Counter::kBytesCopied) - before, kMaxWrite);
  EXPECT_EQ(fs_.content(file_), content);
}

TEST_F(AdoptTest, TheReceivePagesAreFreeAfterTheWrite) {
  const Bytes content = random_bytes(kMaxWrite);
  write(0, content);
  write(kChunk + 7, content);
  for (int round = 0; round < 5; ++round) overwrite_receive_pages();
  EXPECT_EQ(fs_.read(file_, 0, kMaxWrite), content);
  EXPECT_EQ(fs_.read(file_, kChunk + 7, kMaxWrite), content);
}

TEST_F(AdoptTest, RandomMixturesReadBackAsPlainBytesDo) {
  constexpr std::uint64_t kFileBytes = 3 * kChunk;
  Bytes model;
  for (int step = 0; step < 300; ++step) {
    SCOPED_TRACE(step);
    const bool aligned = below(2) == 0;
    const std::uint64_t unit = aligned ? kPageBytes : 1;
    const std::uint64_t offset = below(kFileBytes / unit) * unit;
    const std::uint64_t longest = std::min<std::uint64_t>(kFileBytes - offset, kMaxWrite);
    const bool is_short = below(3) != 0;
    std::uint64_t size = 1 + below(is_short ? std::min<std::uint64_t>(longest, 20'000) : longest);
    if (aligned && below(2) == 0) size = std::min(longest, (size + unit - 1) / unit * unit);
    const Bytes bytes = random_bytes(size);
    write(offset, bytes);
    if (below(3) == 0) overwrite_receive_pages();
    model.resize(std::max<std::size_t>(model.size(), offset + size));
    std::ranges::copy(bytes, model.begin() + static_cast<std::ptrdiff_t>(offset));
    if (below(10) == 0) {
      const std::uint64_t cut = below(kFileBytes);
      ASSERT_EQ(fs_.resize(file_, cut), 0);
      model.resize(cut);
    }
    if (below(20) == 0) {
      ASSERT_EQ(fs_.sync(file_), 0);
    }
    ASSERT_TRUE(fs_.content(file_) == model);
  }
  pages_.reset();
  fs_.restart();
  EXPECT_TRUE(fs_.content(fs_.open("a")) == model) << "what was written back";
}

TEST(AdoptInAnArenaTest, OverwritesInSteadyStateMapNothing) {
  constexpr std::uint64_t kChunks = 8;
  const TemporaryDirectory directory;
  MemoryStore store;
  auto memory = std::make_unique<Arena>();
  Arena& arena = *memory;
  const auto engine = make_chunk_array_fx_packed_adopt_per_inode_clock(
      {.options = {.cache_directory = directory.path(),
                   .memory_budget_bytes = std::uint64_t{1} << 30,
                   .store = &store},
       .chunk_bytes = kChunk,
       .flush = std::make_unique<Batched>(),
       .memory = std::move(memory)});
  const auto made = engine->create({kRootInode, "a"}, {.mode = S_IFREG | 0644}, O_RDWR, {});
  ASSERT_TRUE(made);
  const File file{made->attributes.inode, made->handle};
  const auto pages = engine->payload_pages(kMaxWrite);
  const Bytes large = filled(kMaxWrite, 1);
  const Bytes small = filled(kPageBytes, 2);
  const auto overwrite_all = [&] {
    for (std::uint64_t chunk = 0; chunk < kChunks; ++chunk) {
      receive_and_write(*engine, *pages, file, chunk * kChunk, large);
      for (std::uint64_t page = 0; page < 16; ++page) {
        receive_and_write(*engine, *pages, file, chunk * kChunk + page * kPageBytes, small);
      }
    }
  };
  for (int round = 0; round < 10; ++round) overwrite_all();
  const std::uint64_t before = arena.mapped_bytes();
  EXPECT_LE(before, 4 * kChunks * kChunk);
  for (int round = 0; round < 50; ++round) overwrite_all();
  EXPECT_EQ(arena.mapped_bytes(), before);
}

TEST_F(AdoptTest, OtherCopyStrategiesWantNoPages) {
  EngineUnderTest other({"sharded", "fx", "packed", "direct", "per_inode", "clock"},
                        {.memory = "arena"});
  EXPECT_EQ(other.engine().payload_pages(kMaxWrite), nullptr);
}

}  // namespace
}  // namespace vfsprof::vfs
