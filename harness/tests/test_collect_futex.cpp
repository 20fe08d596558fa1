#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <string>

#include "harness/tests/waits_round.h"

namespace vfsprof::harness {
namespace {

using reports::FutexCalls;

#define SKIP_WHERE_UNUSABLE(waits) \
  if (!(waits).usable()) GTEST_SKIP() << (waits).why_not()

/// How the calls of one operation ended.
struct Results {
  std::uint64_t calls = 0;
  std::uint64_t woken = 0;
  std::uint64_t again = 0;
  std::uint64_t timed_out = 0;
  std::uint64_t interrupted = 0;
  std::uint64_t failed = 0;
  std::uint64_t threads_woken = 0;
  std::uint64_t threads_requeued = 0;
  std::uint64_t useless = 0;
};

TEST(CollectFutex, EveryOperationIsCountedWithItsResults) {
  WaitsRound waits("operations");
  SKIP_WHERE_UNUSABLE(waits);
  waits.run();
  // `of_libc`: calls by which the C library's own locks may find another value beside them.
  const auto expect = [&](const char* operation, const Results& expected,
                          std::uint64_t of_libc = 0) {
    SCOPED_TRACE(operation);
    const FutexCalls found = waits.sum(operation);
    EXPECT_EQ(found.calls - found.again, expected.calls - expected.again);
    EXPECT_EQ(found.woken, expected.woken);
    EXPECT_GE(found.again, expected.again);
    EXPECT_LE(found.again, expected.again + of_libc);
    EXPECT_EQ(found.timed_out, expected.timed_out);
    EXPECT_EQ(found.interrupted, expected.interrupted);
    EXPECT_EQ(found.failed, expected.failed);
    EXPECT_EQ(found.threads_woken, expected.threads_woken);
    EXPECT_EQ(found.threads_requeued, expected.threads_requeued);
    EXPECT_EQ(found.useless, expected.useless);
  };
  // 10 that find another value, three that are woken or requeued, one that a signal ends.
  expect("WAIT", {.calls = 14, .woken = 3, .again = 10, .interrupted = 1}, 3);
  expect("CMP_REQUEUE", {.calls = 3, .again = 2, .threads_woken = 1, .threads_requeued = 2});
  expect("REQUEUE", {.calls = 2, .useless = 2});
  expect("WAKE_BITSET", {.calls = 6, .useless = 6});
  expect("WAKE_OP", {.calls = 4, .useless = 4});
  expect("LOCK_PI", {.calls = 3, .woken = 3});
  expect("TRYLOCK_PI", {.calls = 3, .woken = 3});
  expect("UNLOCK_PI", {.calls = 6, .useless = 6});
  expect("unknown", {.calls = 1, .failed = 1});
  expect("futex_waitv", {.calls = 3, .again = 1, .timed_out = 2});
  // The C library waits for threads with the same operation as the program's timed waits.
  EXPECT_EQ(waits.sum("WAIT_BITSET").timed_out, 7u);
  // Older kernels do not know them: they fail.
  const FutexCalls wake = waits.sum("futex_wake");
  const FutexCalls wait = waits.sum("futex_wait");
  EXPECT_EQ(wake.calls, 8u);
  EXPECT_EQ(wake.useless + wake.failed, 8u);
  EXPECT_EQ(wait.calls, 9u);
  EXPECT_EQ(wait.again + wait.failed, 9u);
}

TEST(CollectFutex, TheMatrixSaysWhoWokeWhomAndAddsUp) {
  WaitsRound waits("ping_pong");
  SKIP_WHERE_UNUSABLE(waits);
  waits.run();
  std::uint64_t woken[2] = {};  // left by right, right by left
  std::uint64_t issued[2] = {};
  std::uint64_t completed[2] = {};
  const auto& ledger = waits.round.waits->futexes;
  for (const auto& wakeups : ledger.wakeups) {
    const std::string pair =
        waits.thread_name(wakeups.waker) + " to " + waits.thread_name(wakeups.wakee);
    EXPECT_EQ(sum_of(wakeups.wake_to_run), wakeups.count) << pair;
    if (pair == "right to left") woken[0] += wakeups.count;
    if (pair == "left to right") woken[1] += wakeups.count;
  }
  for (const FutexCalls& calls : ledger.calls) {
    const std::string& name = waits.thread_name(calls.thread);
    if (name != "left" && name != "right") continue;
    if (calls.operation == "WAIT") {
      EXPECT_EQ(sum_of(calls.wait_time), calls.calls);
      completed[name == "right"] += calls.woken;
    }
    if (calls.operation == "WAKE") issued[name == "left"] += calls.threads_woken;
  }
  for (const int side : {0, 1}) {
    EXPECT_GT(completed[side], 0u);
    EXPECT_EQ(woken[side], issued[side]);
    EXPECT_EQ(completed[side], issued[side]);
  }
}

TEST(CollectFutex, CallSitesAreTheProgramsAndNotTheCLibrarys) {
  WaitsRound waits("contend");
  SKIP_WHERE_UNUSABLE(waits);
  waits.run();
  const std::vector<FutexCalls>& ledger = waits.round.waits->futexes.calls;
  std::set<std::uint32_t> words;  // of the mutex
  std::uint64_t waited_in_lock = 0;
  for (const FutexCalls& calls : ledger) {
    if (waits.functions(calls.stack).find("waits_subject_lock;") == std::string::npos) continue;
    waited_in_lock += calls.woken;
    words.insert(calls.word);
  }
  EXPECT_GT(waited_in_lock, 0u);  // of 20; how many it is depends on how busy the machine is
  std::uint64_t woken_by_hold = 0;
  for (const FutexCalls& calls : ledger) {
    if (!words.contains(calls.word)) continue;
    const std::string stack = waits.functions(calls.stack);
    const auto has = [&stack](const char* function) {
      return stack.find(function) != std::string::npos;
    };
    EXPECT_TRUE(has("waits_subject_lock;") || has("waits_subject_hold;") || has("contend()"))
        << calls.operation << " at " << stack;
    if (has("waits_subject_hold;")) woken_by_hold += calls.threads_woken;
  }
  EXPECT_GE(woken_by_hold, waited_in_lock);
}

TEST(CollectFutex, ChildrenAreFollowedWhereAsked) {
  for (const bool follow : {false, true}) {
    WaitsRound waits("fork", follow);
    SKIP_WHERE_UNUSABLE(waits);
    waits.run();
    EXPECT_EQ(waits.sum("WAIT").again, follow ? 12u : 0u);
  }
}

/// A child without rights: the collector says so, the round goes on.
TEST(CollectFutex, WithoutRightsItIsUnavailableWithReasonAndRemedy) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (::setresuid(65534, 65534, 65534) != 0 && ::geteuid() == 0) ::_exit(9);
    const auto collector = make_waits_collector({});
    collector->attach({.pid = ::getpid()});
    collector->start();
    collector->stop();
    reports::Round round;
    collector->collect(round);
    const reports::Capability capability = collector->capability();
    const bool said = capability.state == reports::CapabilityState::kUnavailable &&
                      !capability.detail.empty() && !capability.remedy.empty() && !round.waits;
    ::_exit(said ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 9) GTEST_SKIP() << "cannot become another user";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace vfsprof::harness
