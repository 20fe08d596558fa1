#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "vfs/counters.h"
#include "vfs/executor/block_on.h"
#include "vfs/executor/parker.h"
#include "vfs/executor/task_queue.h"
#include "vfs/executor/worker_pool.h"

namespace vfsprof::vfs {
namespace {

TEST(Parker, KeepsAWakeUpThatComesFirst) {
  Parker parker;
  parker.unpark();
  parker.park();  // returns at once, or the test times out
}

TEST(Parker, HandsOverWhatTheWakerWrote) {
  constexpr int kRounds = 2000;
  Parker there;
  Parker back;
  int value = 0;  // guarded by the hand-over alone
  std::thread other([&] {
    for (int i = 0; i < kRounds; ++i) {
      there.park();
      ++value;
      back.unpark();
    }
  });
  for (int i = 0; i < kRounds; ++i) {
    there.unpark();
    back.park();
    ASSERT_EQ(value, i + 1);
  }
  other.join();
}

TEST(Parker, WakingARunningThreadIsNoWake) {
  Parker parker;
  const std::uint64_t before = total(Counter::kThreadWakes);
  parker.unpark();
  parker.unpark();
  EXPECT_EQ(total(Counter::kThreadWakes), before);
  parker.park();
}

TEST(WorkerPool, RunsEveryTaskOnceFromManyThreads) {
  constexpr int kThreads = 8;
  constexpr int kTasks = 500;
  std::atomic<int> runs{0};
  WorkerPool pool(4);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kTasks; ++i) {
        int own = 0;
        TaskOf task([&] {
          ++own;
          runs.fetch_add(1, std::memory_order_relaxed);
        });
        pool.run(task);
        ASSERT_EQ(own, 1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(runs.load(), kThreads * kTasks);
}

TEST(WorkerPool, RunsWhatWasSpawnedBeforeItEnds) {
  constexpr int kTasks = 100;
  std::atomic<int> runs{0};
  const auto work = [&] { runs.fetch_add(1); };
  std::vector<std::unique_ptr<TaskOf<decltype(work)>>> tasks;
  {
    WorkerPool pool(2);
    for (int i = 0; i < kTasks; ++i) {
      tasks.push_back(std::make_unique<TaskOf<decltype(work)>>(work));
      pool.spawn(*tasks.back());
    }
  }
  EXPECT_EQ(runs.load(), kTasks);
}

TEST(Task, RethrowsOnTheWaitingThread) {
  WorkerPool pool(1);
  TaskOf task([] { throw std::runtime_error("from the worker"); });
  EXPECT_THROW(pool.run(task), std::runtime_error);
}

TEST(TaskQueue, BlocksAtItsCapacityAndLosesNothing) {
  constexpr int kTasks = 200;
  TaskQueue queue(4);
  int runs = 0;
  const auto work = [&] { ++runs; };
  std::vector<std::unique_ptr<TaskOf<decltype(work)>>> tasks;
  for (int i = 0; i < kTasks; ++i) tasks.push_back(std::make_unique<TaskOf<decltype(work)>>(work));
  std::thread consumer([&] {
    while (Task* const task = queue.pop()) task->run_and_complete();
  });
  for (auto& task : tasks) queue.push(*task);
  queue.close();
  consumer.join();
  EXPECT_EQ(runs, kTasks);
}

TEST(BlockOn, HandsEachTaskOverTwiceAndWakesAtMostThreeThreads) {
  constexpr std::uint64_t kTasks = 1000;
  WorkerPool pool(4);
  BlockOn executor(pool);
  const std::uint64_t hand_offs = total(Counter::kHandOffs);
  const std::uint64_t wakes = total(Counter::kThreadWakes);
  const std::thread::id caller = std::this_thread::get_id();
  for (std::uint64_t i = 0; i < kTasks; ++i) {
    bool elsewhere = false;
    TaskOf task([&] { elsewhere = std::this_thread::get_id() != caller; });
    executor.run(task);
    ASSERT_TRUE(elsewhere);
  }
  EXPECT_EQ(total(Counter::kHandOffs) - hand_offs, 2 * kTasks);
  EXPECT_LE(total(Counter::kThreadWakes) - wakes, 3 * kTasks);
  EXPECT_GT(total(Counter::kThreadWakes) - wakes, kTasks);
}

}  // namespace
}  // namespace vfsprof::vfs
