#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "vfs/counters.h"
#include "vfs/executor/block_on.h"
#include "vfs/executor/local.h"
#include "vfs/executor/parker.h"
#include "vfs/executor/run_queue.h"
#include "vfs/executor/spin.h"
#include "vfs/executor/task_queue.h"
#include "vfs/executor/worker_pool.h"

namespace vfsprof::vfs {
namespace {

TEST(Parker, KeepsAWakeUpThatComesFirst) {
  Parker parker("parker", WordPurpose::kOther);
  parker.unpark();
  parker.park();  // returns at once, or the test times out
}

TEST(Parker, HandsOverWhatTheWakerWrote) {
  constexpr int kRounds = 2000;
  Parker there("there", WordPurpose::kOther);
  Parker back("back", WordPurpose::kOther);
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
  Parker parker("parker", WordPurpose::kOther);
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

TEST(WorkerPool, IsIdleOnceNothingIsQueuedAndNothingRuns) {
  WorkerPool workers(3);
  std::atomic<int> done = 0;
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 5; ++i) {
      workers.post_work([&] {
        std::this_thread::yield();
        // Work that makes work is not idle in between.
        workers.post_work([&done] { done.fetch_add(1); });
      });
    }
    workers.wait_until_idle();
    ASSERT_EQ(done.load(), 5 * (round + 1));
  }
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

/// Counts how often it ran and how often it was destroyed.
class CountedTask final : public OwnedTask {
 public:
  struct Counts {
    std::atomic<int> runs{0};
    std::atomic<int> ends{0};
  };
  explicit CountedTask(Counts& counts) : counts_(counts) {}
  ~CountedTask() override { counts_.ends.fetch_add(1); }

 private:
  void run() noexcept override { counts_.runs.fetch_add(1); }
  Counts& counts_;
};

TEST(WorkerPool, OwnsWhatWasPostedAndRunsItBeforeItEnds) {
  constexpr int kThreads = 4;
  constexpr int kTasks = 250;
  CountedTask::Counts counts;
  const std::uint64_t hand_offs = total(Counter::kHandOffs);
  const std::uint64_t wakes = total(Counter::kThreadWakes);
  {
    WorkerPool pool(2);
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < kTasks; ++i) pool.post(std::make_unique<CountedTask>(counts));
      });
    }
    threads.clear();
  }
  EXPECT_EQ(counts.runs.load(), kThreads * kTasks);
  EXPECT_EQ(counts.ends.load(), kThreads * kTasks);
  EXPECT_EQ(total(Counter::kHandOffs) - hand_offs, std::uint64_t{kThreads * kTasks});
  // One more for each worker, to tell it of the end.
  EXPECT_LE(total(Counter::kThreadWakes) - wakes, std::uint64_t{kThreads * kTasks + 2});
}

TEST(WorkerPool, RunsWhatATaskPostsWhileThePoolEnds) {
  struct Chain final : OwnedTask {
    Chain(WorkerPool& its_pool, std::atomic<int>& its_left) : pool(its_pool), left(its_left) {}
    void run() noexcept override {
      if (left.fetch_sub(1) > 1) pool.post(std::make_unique<Chain>(pool, left));
    }
    WorkerPool& pool;
    std::atomic<int>& left;
  };
  std::atomic<int> left{500};
  {
    WorkerPool pool(3);
    pool.post(std::make_unique<Chain>(pool, left));
  }
  EXPECT_EQ(left.load(), 0);
}

TEST(WorkerPool, WakesNobodyWhileAllWorkersAreAwake) {
  CountedTask::Counts counts;
  WorkerPool pool(1);
  std::atomic<bool> started{false};
  std::atomic<bool> go_on{false};
  TaskOf busy([&] {
    started.store(true);
    started.notify_one();
    go_on.wait(false);
  });
  pool.spawn(busy);
  started.wait(false);
  const std::uint64_t wakes = total(Counter::kThreadWakes);
  for (int i = 0; i < 10; ++i) pool.post(std::make_unique<CountedTask>(counts));
  EXPECT_EQ(total(Counter::kThreadWakes), wakes);
  go_on.store(true);
  go_on.notify_one();
  busy.wait();
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
    while (Task* const task = queue.pop()) task->execute();
  });
  for (auto& task : tasks) queue.push(*task);
  queue.close();
  consumer.join();
  EXPECT_EQ(runs, kTasks);
}

TEST(RunQueue, RunsInOrderWhatIsPostedWhileItRuns) {
  struct Numbered final : Task {
    Numbered(std::vector<int>& its_order, int its_number, Task* its_next)
        : order(its_order), number(its_number), next(its_next) {}
    void execute() noexcept override {
      order.push_back(number);
      if (next != nullptr) RunQueue::of_this_thread().post(*next);
    }
    std::vector<int>& order;
    int number;
    Task* next;
  };
  std::vector<int> order;
  Numbered third(order, 3, nullptr);
  Numbered first(order, 1, &third);
  Numbered second(order, 2, nullptr);
  RunQueue& queue = RunQueue::of_this_thread();
  queue.post(first);
  queue.post(second);
  queue.run();
  EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

TEST(Local, RunsNestedWorkOnTheSameThread) {
  WorkerPool pool(1);
  Local executor(pool);
  std::vector<std::thread::id> ran_on;
  executor.run([&] {
    executor.run([&] { ran_on.push_back(std::this_thread::get_id()); });
    ran_on.push_back(std::this_thread::get_id());
  });
  EXPECT_EQ(ran_on, std::vector(2, std::this_thread::get_id()));
}

TEST(Spin, SpinsOnlyWhereAnotherCpuCanWork) {
  EXPECT_EQ(Spin::limit_on(1), kNoSpin);
  EXPECT_EQ(Spin::limit_on(2), Spin::kLimit);
  EXPECT_GE(Spin::usable_cpus(), 1U);
  EXPECT_LE(Spin::usable_cpus(), std::max(1U, std::thread::hardware_concurrency()));
}

TEST(Spin, WakesNobodyWhoStillSpins) {
  constexpr std::uint64_t kTasks = 50;
  WorkerPool pool(1);
  std::uint64_t runs = 0;
  const std::uint64_t hand_offs = total(Counter::kHandOffs);
  const std::uint64_t wakes = total(Counter::kThreadWakes);
  {
    Spin executor(pool, std::chrono::minutes(1));
    for (std::uint64_t i = 0; i < kTasks; ++i) executor.run([&] { ++runs; });
  }
  EXPECT_EQ(runs, kTasks);
  EXPECT_EQ(total(Counter::kHandOffs) - hand_offs, 2 * kTasks);
  // The worker may have parked before it was told to spin.
  EXPECT_LE(total(Counter::kThreadWakes) - wakes, 1U);
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
    executor.run([&] { elsewhere = std::this_thread::get_id() != caller; });
    ASSERT_TRUE(elsewhere);
  }
  EXPECT_EQ(total(Counter::kHandOffs) - hand_offs, 2 * kTasks);
  EXPECT_LE(total(Counter::kThreadWakes) - wakes, 3 * kTasks);
  EXPECT_GT(total(Counter::kThreadWakes) - wakes, kTasks);
}

}  // namespace
}  // namespace vfsprof::vfs
