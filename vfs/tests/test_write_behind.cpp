// Write-behind: what an engine does with its batches.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "vfs/counters.h"
#include "vfs/metadata/per_inode.h"
#include "vfs/tests/engine_fixture.h"

namespace vfsprof::vfs {
namespace {

using File = EngineUnderTest::File;
/// A thread for each piece of work; the end waits for them.
class Threads {
 public:
  Spawn spawner() {
    return [this](std::function<void()> work) {
      const std::lock_guard lock(mutex_);
      threads_.emplace_back(std::move(work));
    };
  }

 private:
  std::mutex mutex_;
  std::vector<std::jthread> threads_;
};

/// Holds the work that it is given until it is opened.
class Gate {
 public:
  Spawn spawner() {
    return [this](std::function<void()> work) {
      const std::lock_guard lock(mutex_);
      work_.push_back(std::move(work));
    };
  }
  std::size_t waiting() {
    const std::lock_guard lock(mutex_);
    return work_.size();
  }
  void run_all() {
    while (true) {
      std::function<void()> work;
      {
        const std::lock_guard lock(mutex_);
        if (work_.empty()) return;
        work = std::move(work_.back());
        work_.pop_back();
      }
      work();
    }
  }

 private:
  std::mutex mutex_;
  std::vector<std::function<void()>> work_;
};

/// Until it holds, or for ten seconds.
bool wait_until(const std::function<bool()>& holds) {
  for (int i = 0; i < 10'000 && !holds(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return holds();
}

std::uint64_t bytes_in(const std::filesystem::path& directory) {
  std::uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  return bytes;
}

/// Engines whose flush strategy writes behind; the batches are those of kWriteBehindBatches.
class WriteBehindTest : public testing::TestWithParam<EngineCombination> {
 protected:
  static constexpr std::uint64_t kBatchChunks = 100;

  static EngineTestOptions options(Spawn spawn,
                                   std::uint64_t budget_bytes = std::uint64_t{1} << 30) {
    return {.memory_budget_bytes = budget_bytes,
            .flush = "batched",
            .memory = "arena",
            .spawn = std::move(spawn)};
  }
};

TEST_P(WriteBehindTest, EnoughChunksAreOnDiskWithoutAnySync) {
  Threads threads;
  EngineUnderTest fs(GetParam(), options(threads.spawner()));
  const File file = fs.create("a");
  const Bytes content = filled(kBatchChunks * kTestChunk, 7);
  EXPECT_EQ(fs.write(file, 0, content), 0);
  const auto data = fs.cache_directory() / "data";
  EXPECT_TRUE(wait_until([&] { return bytes_in(data) >= content.size(); }))
      << bytes_in(data) << " of " << content.size() << " bytes";
  EXPECT_EQ(fs.content(file), content);
}

TEST_P(WriteBehindTest, FewerChunksStayInMemory) {
  Gate gate;
  EngineUnderTest fs(GetParam(), options(gate.spawner()));
  const File file = fs.create("a");
  EXPECT_EQ(fs.write(file, 0, filled((kBatchChunks - 1) * kTestChunk, 7)), 0);
  EXPECT_EQ(fs.write(file, 0, filled(kTestChunk, 8)), 0) << "dirty already";
  EXPECT_EQ(gate.waiting(), 0U);
}

TEST_P(WriteBehindTest, CloseHandsItsFileOverAndDoesNotWait) {
  Gate gate;
  EngineUnderTest fs(GetParam(), options(gate.spawner()));
  const File file = fs.create("a");
  const Bytes content = filled(3 * kTestChunk, 7);
  EXPECT_EQ(fs.write(file, 0, content), 0);
  const std::uint64_t flushes = total(Counter::kFlushes);
  EXPECT_EQ(fs.flush(file), 0);
  fs.close(file);
  EXPECT_EQ(gate.waiting(), 1U);
  EXPECT_EQ(total(Counter::kFlushes), flushes) << "written only once the other thread runs";
  gate.run_all();
  EXPECT_EQ(total(Counter::kFlushes), flushes + 1);
  EXPECT_EQ(fs.write(fs.open("a"), 0, filled(kTestChunk, 8)), 0);
  EXPECT_EQ(gate.waiting(), 0U) << "the next batch is collected as ever";
}

TEST_P(WriteBehindTest, AFileThatChangedWhileItWasWrittenIsWrittenAgainOnClose) {
  Gate gate;
  EngineUnderTest fs(GetParam(), options(gate.spawner()));
  const File file = fs.create("a");
  EXPECT_EQ(fs.write(file, 0, filled(kTestChunk, 1)), 0);
  // Overwritten again and again, while it is synced: at some time in the midst of it.
  std::atomic<bool> done{false};
  std::jthread writer([&] {
    for (std::uint8_t value = 2; !done.load(); ++value) {
      EXPECT_EQ(fs.write(file, 0, filled(kTestChunk, value)), 0);
    }
    EXPECT_EQ(fs.write(file, 0, filled(kTestChunk, 200)), 0);
  });
  for (int i = 0; i < 50; ++i) EXPECT_EQ(fs.sync(file), 0);
  done = true;
  writer.join();
  fs.close(file);
  gate.run_all();
  fs.kill();
  EXPECT_EQ(fs.content(fs.open("a")), filled(kTestChunk, 200));
}

TEST_P(WriteBehindTest, AFailedBatchIsToldToTheNextSyncOfEachHandleOnce) {
  Gate gate;
  EngineUnderTest fs(GetParam(), options(gate.spawner()));
  const File file = fs.create("a");
  const File second = fs.open("a");
  const Bytes content = filled(kBatchChunks * kTestChunk, 7);
  {
    const FileSizeLimit limit(kTestChunk);
    EXPECT_EQ(fs.write(file, 0, content), 0) << "the writer is not held up";
    ASSERT_EQ(gate.waiting(), 1U);
    gate.run_all();
  }
  const File third = fs.open("a");
  EXPECT_EQ(fs.sync(file), EFBIG);
  EXPECT_EQ(fs.sync(file), 0);
  EXPECT_EQ(fs.sync(second), EFBIG) << "not told yet, though the data is safe by now";
  EXPECT_EQ(fs.sync(second), 0);
  EXPECT_EQ(fs.sync(third), 0) << "opened after the failure";
  fs.kill();
  EXPECT_EQ(fs.content(fs.open("a")), content);
}

TEST_P(WriteBehindTest, AFailedBatchIsWrittenWithALaterOneAndStillTold) {
  Gate gate;
  EngineUnderTest fs(GetParam(), options(gate.spawner()));
  const File file = fs.create("a");
  const Bytes content = filled(kBatchChunks * kTestChunk, 7);
  {
    const FileSizeLimit limit(kTestChunk);
    EXPECT_EQ(fs.write(file, 0, content), 0);
    gate.run_all();
  }
  const auto data = fs.cache_directory() / "data";
  EXPECT_LE(bytes_in(data), kTestChunk);
  fs.close(fs.create("b"));  // nothing of it is dirty
  gate.run_all();
  EXPECT_EQ(bytes_in(data), content.size());
  EXPECT_EQ(fs.sync(file), EFBIG) << "an error that nobody heard of is kept";
  EXPECT_EQ(fs.sync(file), 0);
}

TEST_P(WriteBehindTest, DirtyMemoryStaysWithinASmallBudget) {
  constexpr std::uint64_t kBudget = 16 * kTestChunk;
  Gate gate;  // no batch ever runs: writers must make room by themselves
  EngineUnderTest fs(GetParam(), options(gate.spawner(), kBudget));
  const std::uint64_t flushed = total(Counter::kBytesFlushed);
  const File file = fs.create("a");
  constexpr std::uint64_t kWritten = 400 * kTestChunk;
  for (std::uint64_t at = 0; at < kWritten; at += kTestChunk) {
    ASSERT_EQ(fs.write(file, at, filled(kTestChunk, static_cast<std::uint8_t>(at >> 12))), 0);
    const std::uint64_t dirty = at + kTestChunk - (total(Counter::kBytesFlushed) - flushed);
    ASSERT_LE(dirty, kBudget + kTestChunk);
  }
  gate.run_all();
  for (std::uint64_t at = 0; at < kWritten; at += kTestChunk) {
    ASSERT_EQ(fs.read(file, at, kTestChunk),
              filled(kTestChunk, static_cast<std::uint8_t>(at >> 12)));
  }
}

/// Four writers, a thread that cuts and one that syncs, all on the same two files.
void disturb_each_other(EngineUnderTest& fs) {
  const File files[] = {fs.create("a"), fs.create("b")};
  std::atomic<int> writers{4};
  std::vector<std::jthread> threads;
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const Bytes bytes = filled(30 * kTestChunk, static_cast<std::uint8_t>(t + 1));
      for (std::uint64_t i = 0; i < 60; ++i) {
        ASSERT_EQ(fs.write(files[(t + i) % 2], i % 10 * 20 * kTestChunk, bytes), 0);
      }
      --writers;
    });
  }
  threads.emplace_back([&] {
    for (std::uint64_t i = 0; writers.load() > 0; ++i) {
      ASSERT_EQ(fs.resize(files[i % 2], i % 7 * 1000), 0);
      std::this_thread::yield();
    }
  });
  threads.emplace_back([&] {
    for (std::size_t i = 0; writers.load() > 0; ++i) {
      ASSERT_EQ(i % 3 == 0 ? fs.sync(files[i % 2]) : fs.flush(files[i % 2]), 0);
    }
  });
  threads.clear();
  for (const File file : files) {
    EXPECT_EQ(fs.resize(file, 0), 0);
    EXPECT_EQ(fs.write(file, 5, filled(10, 9)), 0);
    EXPECT_EQ(fs.sync(file), 0);
  }
  fs.kill();
  Bytes expected = filled(15, 9);
  std::fill_n(expected.begin(), 5, std::byte{0});
  EXPECT_EQ(fs.content(fs.open("a")), expected);
  EXPECT_EQ(fs.content(fs.open("b")), expected);
}

TEST_P(WriteBehindTest, WritersCutsAndSyncsDoNotLockUpWhereBatchesRunAtOnce) {
  EngineUnderTest fs(GetParam(), options({}, 64 * kTestChunk));
  disturb_each_other(fs);
}

TEST_P(WriteBehindTest, WritersCutsAndSyncsDoNotLockUpWhereBatchesRunOnThreads) {
  Threads threads;
  EngineUnderTest fs(GetParam(), options(threads.spawner(), 64 * kTestChunk));
  disturb_each_other(fs);
}

TEST_P(WriteBehindTest, FilesThatGoWhileTheyAreWrittenLeaveNothingInTheCache) {
  Threads threads;
  EngineUnderTest fs(GetParam(), options(threads.spawner()));
  for (int i = 0; i < 40; ++i) {
    const File file = fs.create("a");
    EXPECT_EQ(fs.write(file, 0, filled(kBatchChunks * kTestChunk, 1)), 0);
    EXPECT_TRUE(fs.engine().unlink({kRootInode, "a"}));
    fs.close(file);
  }
  fs.kill();  // waits for the batches
  EXPECT_EQ(bytes_in(fs.cache_directory() / "data"), 0U);
}

TEST(PerInodeTest, AFileThatIsGoneHasNothingToWriteBack) {
  // A batch that waited for the end of a file still holds its record.
  PerInode metadata;
  PerInode::PerFile file;
  metadata.add(file, {7}, {});
  ASSERT_TRUE(metadata.record_write(file, {7}, {.first = {0}, .last = {0}, .end = 10, .now = {}}));
  ASSERT_TRUE(metadata.begin_write_back(file, {7}).has_value());
  metadata.drop(file, {7});
  EXPECT_FALSE(metadata.begin_write_back(file, {7}).has_value());
}

INSTANTIATE_TEST_SUITE_P(
    Compiled, WriteBehindTest,
    testing::Values(EngineCombination{"sharded", "fx", "packed", "direct", "per_inode", "clock"},
                    EngineCombination{"chunk_array", "fx", "packed", "adopt", "per_inode", "clock"},
                    EngineCombination{"mutex", "sip13", "wide", "triple", "global", "lru_mutex"}),
    combination_name);

}  // namespace
}  // namespace vfsprof::vfs
