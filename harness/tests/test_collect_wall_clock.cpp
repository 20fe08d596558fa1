#include <gtest/gtest.h>
#include <unistd.h>

#include <map>
#include <string>

#include "harness/tests/waits_round.h"

namespace vfsprof::harness {
namespace {

using reports::BlockReason;

#define SKIP_WHERE_UNUSABLE(waits) \
  if (!(waits).usable()) GTEST_SKIP() << (waits).why_not()

/// on CPU + runnable + blocked of each thread is the time that it lived.
void expect_that_it_adds_up(const WaitsRound& waits) {
  const auto& clock = waits.round.waits->wall_clock;
  std::map<std::uint32_t, std::uint64_t> blocked_ns;
  for (const auto& blocked : clock.blocked) {
    blocked_ns[blocked.thread] += blocked.blocked_ns;
    EXPECT_EQ(sum_of(blocked.blocked_time), blocked.count);
  }
  for (const auto& thread : clock.threads) {
    const std::uint64_t sum_ns = thread.on_cpu_ns + thread.runnable_ns + blocked_ns[thread.thread];
    EXPECT_NEAR(static_cast<double>(sum_ns), static_cast<double>(thread.elapsed_ns),
                0.01 * static_cast<double>(thread.elapsed_ns))
        << waits.thread_name(thread.thread);
  }
}

/// Blocked time of a thread for a reason.
std::uint64_t blocked_ns(const WaitsRound& waits, const std::string& name, BlockReason reason,
                         const std::string& waker = "") {
  std::uint64_t sum_ns = 0;
  for (const auto& blocked : waits.round.waits->wall_clock.blocked) {
    if (waits.thread_name(blocked.thread) == name && blocked.reason == reason &&
        (waker.empty() || blocked.waker == waker)) {
      sum_ns += blocked.blocked_ns;
    }
  }
  return sum_ns;
}

TEST(CollectWallClock, EachReasonIsTold) {
  WaitsRound waits("states");
  SKIP_WHERE_UNUSABLE(waits);
  // The threads are there before the round and after it.
  waits.subject().say();
  ASSERT_EQ(waits.subject().read_line(), "done");
  ::usleep(50'000);
  waits.start();
  ::usleep(400'000);
  waits.stop();
  expect_that_it_adds_up(waits);
  const auto& clock = waits.round.waits->wall_clock;
  ASSERT_EQ(clock.threads.size(), 6u);
  for (const auto& thread : clock.threads) {
    const std::string& name = waits.thread_name(thread.thread);
    EXPECT_GE(thread.elapsed_ns, 400'000'000u) << name;
    EXPECT_EQ(thread.elapsed_ns, clock.threads.front().elapsed_ns) << name;
    if (name == "spinner") {
      EXPECT_GT(thread.on_cpu_ns, 0u);
      EXPECT_GE(thread.on_cpu_ns + thread.runnable_ns, thread.elapsed_ns * 99 / 100);
    }
  }
  // These do nothing else, and it is a timer that wakes them. (What is left of their time they wait
  // for a CPU.)
  const auto is_all = [&](const std::string& name, BlockReason reason) {
    const std::uint64_t by_timer_ns = blocked_ns(waits, name, reason, "interrupt");
    std::uint64_t all_ns = 0;
    for (const auto& blocked : clock.blocked) {
      if (waits.thread_name(blocked.thread) == name) all_ns += blocked.blocked_ns;
    }
    EXPECT_GT(by_timer_ns, all_ns * 8 / 10) << name;
    EXPECT_GT(all_ns, 10'000'000u) << name;
  };
  is_all("sleeper", BlockReason::kSleep);
  is_all("poller", BlockReason::kPoll);
  is_all("timed", BlockReason::kFutex);
  // These two are never woken in the round.
  EXPECT_EQ(blocked_ns(waits, "reader", BlockReason::kPipe), clock.threads.front().elapsed_ns);
  EXPECT_EQ(blocked_ns(waits, "left", BlockReason::kPipe), clock.threads.front().elapsed_ns);
}

TEST(CollectWallClock, AddsUpUnderLoad) {
  WaitsRound waits("ping_pong");
  SKIP_WHERE_UNUSABLE(waits);
  waits.run();
  expect_that_it_adds_up(waits);
  EXPECT_GT(blocked_ns(waits, "left", BlockReason::kFutex, "right"), 0u);
  EXPECT_GT(blocked_ns(waits, "right", BlockReason::kFutex, "left"), 0u);
}

TEST(CollectWallClock, AddsUpForTwoHundredShortLivedThreads) {
  WaitsRound waits("short_threads");
  SKIP_WHERE_UNUSABLE(waits);
  waits.run();
  expect_that_it_adds_up(waits);
  std::size_t threads = 0;
  for (const auto& thread : waits.round.waits->wall_clock.threads) {
    if (waits.thread_name(thread.thread) != "short") continue;
    ++threads;
    // Each uses 0.2 ms of its CPU clock and sleeps 1 ms.
    EXPECT_GE(thread.on_cpu_ns, 190'000u);
    EXPECT_GE(thread.elapsed_ns, 1'190'000u);
  }
  EXPECT_EQ(threads, 200u);
}

TEST(CollectWallClock, BlockedThreadsHaveTheStackTheyWaitIn) {
  WaitsRound waits("states");
  SKIP_WHERE_UNUSABLE(waits);
  waits.subject().say();
  ASSERT_EQ(waits.subject().read_line(), "done");
  ::usleep(50'000);
  waits.start();
  ::usleep(100'000);
  waits.stop();
  bool found = false;
  for (const auto& blocked : waits.round.waits->wall_clock.blocked) {
    if (waits.thread_name(blocked.thread) != "left") continue;
    found = true;
    const std::string stack = waits.functions(blocked.stack);
    EXPECT_NE(stack.find("every_state"), std::string::npos) << stack;
    EXPECT_NE(stack.find("main;"), std::string::npos) << stack;
  }
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace vfsprof::harness
