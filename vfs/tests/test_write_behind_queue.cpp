// Write-behind: how batches are collected.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "vfs/write_behind.h"

namespace vfsprof::vfs {
namespace {

using Batch = std::vector<std::uint64_t>;

constexpr WriteBehind kLimits{.chunks = 10, .bytes = 1000};
constexpr WriteBehind kOneChunk{.chunks = 1, .bytes = 10};

/// A queue whose batches run when the test says so.
class WriteBehindQueueTest : public testing::Test {
 protected:
  void add_chunks(std::uint64_t file, std::size_t chunks) {
    for (std::size_t i = 0; i < chunks; ++i) queue_->add({file}, kOneChunk);
  }
  std::size_t handed_over() const { return spawned_.size(); }
  void run_next() {
    ASSERT_FALSE(spawned_.empty());
    const auto work = std::move(spawned_.front());
    spawned_.pop_front();
    work();
  }
  /// The files written since the last call.
  Batch written() { return std::exchange(written_, {}); }

  bool write(InodeId file) {
    written_.push_back(file.value);
    on_write_(file);
    return !failing_.contains(file.value);
  }
  /// Also after a failure: the end of the queue waits for what was handed over.
  void TearDown() override {
    while (!spawned_.empty()) run_next();
  }

  std::deque<std::function<void()>> spawned_;
  Batch written_;
  std::set<std::uint64_t> failing_;
  std::function<void(InodeId)> on_write_ = [](InodeId) {};
  std::unique_ptr<WriteBehindQueue> queue_ = std::make_unique<WriteBehindQueue>(
      kLimits, [this](std::function<void()> work) { spawned_.push_back(std::move(work)); },
      [this](InodeId file) { return write(file); });
};

TEST_F(WriteBehindQueueTest, ABatchClosesWhenItHasEnoughChunks) {
  add_chunks(1, kLimits.chunks - 1);
  EXPECT_EQ(handed_over(), 0U);
  add_chunks(2, 1);
  ASSERT_EQ(handed_over(), 1U);
  EXPECT_EQ(written(), Batch{}) << "only behind the writer's back";
  run_next();
  EXPECT_EQ(written(), (Batch{1, 2}));
}

TEST_F(WriteBehindQueueTest, ABatchClosesWhenItHasEnoughBytes) {
  queue_->add({1}, {.chunks = 1, .bytes = kLimits.bytes - 1});
  EXPECT_EQ(handed_over(), 0U);
  queue_->add({1}, {.chunks = 0, .bytes = 1});
  ASSERT_EQ(handed_over(), 1U);
  run_next();
  EXPECT_EQ(written(), Batch{1});
}

TEST_F(WriteBehindQueueTest, WhatMakesNothingDirtyIsNoPartOfABatch) {
  queue_->add({1}, {});
  add_chunks(2, kLimits.chunks);
  ASSERT_EQ(handed_over(), 1U);
  run_next();
  EXPECT_EQ(written(), Batch{2});
}

TEST_F(WriteBehindQueueTest, AFileIsWrittenOnceABatchHoweverItWasWritten) {
  for (std::size_t i = 0; i < kLimits.chunks; ++i) queue_->add({1 + i % 2}, kOneChunk);
  run_next();
  EXPECT_EQ(written(), (Batch{1, 2}));
}

TEST_F(WriteBehindQueueTest, AtMostTwoAreUnderWayAndWhatComesMeanwhileJoinsTheNext) {
  add_chunks(1, kLimits.chunks);
  add_chunks(2, kLimits.chunks);
  add_chunks(3, 3 * kLimits.chunks);
  add_chunks(4, 3 * kLimits.chunks);
  ASSERT_EQ(handed_over(), 2U);
  run_next();
  EXPECT_EQ(written(), (Batch{1, 3, 4})) << "goes on with what became due meanwhile";
  run_next();
  EXPECT_EQ(written(), Batch{2});
  EXPECT_EQ(handed_over(), 0U);
  add_chunks(5, kLimits.chunks);
  ASSERT_EQ(handed_over(), 1U) << "none is under way";
  run_next();
}

TEST_F(WriteBehindQueueTest, CloseBatchHandsOverHoweverLittleThereIs) {
  add_chunks(1, 1);
  queue_->close_batch();
  ASSERT_EQ(handed_over(), 1U);
  run_next();
  EXPECT_EQ(written(), Batch{1});
  add_chunks(2, 1);
  EXPECT_EQ(handed_over(), 0U) << "the next is collected as ever";
}

TEST_F(WriteBehindQueueTest, CloseBatchOfNothingLeavesTheNextBatchAlone) {
  queue_->close_batch();
  add_chunks(1, 1);
  EXPECT_EQ(handed_over(), 0U);
}

TEST_F(WriteBehindQueueTest, CloseBatchIncludesWhatChangesWhileItIsWritten) {
  bool changed = false;
  on_write_ = [&](InodeId file) {
    if (std::exchange(changed, true)) return;
    queue_->close_batch();
    queue_->keep(file, kOneChunk);
  };
  add_chunks(1, kLimits.chunks);
  run_next();
  EXPECT_EQ(written(), (Batch{1, 1}));
  add_chunks(2, 1);
  EXPECT_EQ(handed_over(), 0U) << "the next is collected as ever";
}

TEST_F(WriteBehindQueueTest, CloseBatchWhileTwoAreUnderWayIsKeptForThen) {
  add_chunks(1, kLimits.chunks);
  add_chunks(2, kLimits.chunks);
  add_chunks(3, 1);
  queue_->close_batch();
  ASSERT_EQ(handed_over(), 2U);
  run_next();
  EXPECT_EQ(written(), (Batch{1, 3}));
  run_next();
}

TEST_F(WriteBehindQueueTest, WhatChangedWhileItWasWrittenJoinsTheNextBatch) {
  on_write_ = [this](InodeId file) {
    if (file.value == 1) queue_->keep(file, kOneChunk);
  };
  add_chunks(1, kLimits.chunks);
  run_next();
  EXPECT_EQ(written(), Batch{1});
  EXPECT_EQ(handed_over(), 0U) << "one chunk is no batch";
  on_write_ = [](InodeId) {};
  add_chunks(2, kLimits.chunks - 1);
  ASSERT_EQ(handed_over(), 1U);
  run_next();
  EXPECT_EQ(written(), (Batch{1, 2}));
}

TEST_F(WriteBehindQueueTest, AFileThatFailedJoinsTheNextBatch) {
  failing_ = {1};
  add_chunks(1, kLimits.chunks);
  run_next();
  EXPECT_EQ(written(), Batch{1});
  EXPECT_EQ(handed_over(), 0U) << "a disk that refuses is not asked again at once";
  failing_.clear();
  add_chunks(2, kLimits.chunks);
  run_next();
  EXPECT_EQ(written(), (Batch{1, 2}));
  add_chunks(3, kLimits.chunks);
  run_next();
  EXPECT_EQ(written(), Batch{3});
}

TEST_F(WriteBehindQueueTest, AFileThatFailedIsTriedAgainWhenAnyFileIsClosed) {
  failing_ = {1};
  add_chunks(1, kLimits.chunks);
  run_next();
  written();
  failing_.clear();
  queue_->close_batch();
  ASSERT_EQ(handed_over(), 1U);
  run_next();
  EXPECT_EQ(written(), Batch{1});
  queue_->close_batch();
  EXPECT_EQ(handed_over(), 0U);
}

TEST_F(WriteBehindQueueTest, AFileThatGoesOnFailingIsTriedMoreAndMoreRarely) {
  failing_ = {1};
  add_chunks(1, kLimits.chunks);
  run_next();
  written();
  std::vector<int> tried;  // in which batch
  for (int batch = 1; batch <= 30; ++batch) {
    add_chunks(2, kLimits.chunks);
    ASSERT_EQ(handed_over(), 1U);
    run_next();
    if (written() == Batch{1, 2}) tried.push_back(batch);
  }
  EXPECT_EQ(tried, (std::vector{1, 3, 7, 15}));
  failing_.clear();
  for (int batch = 31; batch <= 32; ++batch) {
    add_chunks(2, kLimits.chunks);
    run_next();
  }
  written();
  failing_ = {3};
  add_chunks(3, kLimits.chunks);
  run_next();
  add_chunks(2, kLimits.chunks);
  run_next();
  EXPECT_EQ(written(), (Batch{3, 2, 3})) << "what succeeded since is forgotten";
}

TEST_F(WriteBehindQueueTest, ClosingWhileAFailedFileWaitsLeavesTheNextBatchAlone) {
  failing_ = {1};
  add_chunks(1, kLimits.chunks);
  run_next();
  queue_->close_batch();
  run_next();  // fails once more: one batch goes by
  queue_->close_batch();
  EXPECT_EQ(handed_over(), 0U);
  add_chunks(2, 1);
  EXPECT_EQ(handed_over(), 0U) << "collected as ever";
}

TEST_F(WriteBehindQueueTest, TheEndWaitsForTheBatchesUnderWay) {
  add_chunks(1, kLimits.chunks);
  std::atomic<bool> destroyed{false};
  std::atomic<bool> was_destroyed_while_writing{false};
  on_write_ = [&](InodeId) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    was_destroyed_while_writing = destroyed.load();
  };
  std::jthread other([&] { run_next(); });
  queue_.reset();
  destroyed = true;
  EXPECT_EQ(written_, Batch{1});
  EXPECT_FALSE(was_destroyed_while_writing.load());
}

TEST(WriteBehindQueueWithoutLimits, WritesNothing) {
  WriteBehindQueue queue(
      std::nullopt, [](const std::function<void()>&) { FAIL() << "nothing is to be spawned"; },
      [](InodeId) {
        ADD_FAILURE() << "nothing is to be written";
        return true;
      });
  EXPECT_FALSE(queue.enabled());
  for (int i = 0; i < 1000; ++i) queue.add({1}, {.chunks = 1000, .bytes = 1'000'000'000});
  queue.close_batch();
}

}  // namespace
}  // namespace vfsprof::vfs
