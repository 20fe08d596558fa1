// Futex calls put together from recorded events.
#include <gtest/gtest.h>
#include <linux/futex.h>
#include <sys/syscall.h>

#include <cerrno>
#include <string_view>

#include "harness/bpf/waits_layout.h"
#include "harness/collect/futex_calls.h"

namespace vfsprof::harness {
namespace {

using Kind = FutexEvent::Kind;

constexpr std::uint64_t kWord = 0x7000;

FutexEvent enter(std::uint64_t time_ns, pid_t tid, int operation, std::uint64_t third = 1) {
  return {.kind = Kind::kEnter,
          .time_ns = time_ns,
          .tid = tid,
          .call = SYS_futex,
          .arguments = {kWord, static_cast<std::uint64_t>(operation), third},
          .chain = {1, 2, 3}};
}

FutexEvent exit(std::uint64_t time_ns, pid_t tid, std::int64_t result) {
  return {.kind = Kind::kExit,
          .time_ns = time_ns,
          .tid = tid,
          .call = SYS_futex,
          .result = result,
          .chain = {}};
}

FutexEvent other(Kind kind, std::uint64_t time_ns, pid_t tid, pid_t wakee = 0) {
  return {.kind = kind, .time_ns = time_ns, .tid = tid, .wakee = wakee, .chain = {}};
}

FutexCallTable table_of(const std::vector<FutexEvent>& events) {
  FutexCallTable table;
  for (const FutexEvent& event : events) table.add(event);
  return table;
}

TEST(FutexCallTable, AWaitIsCountedWithItsTimesAndItsWaker) {
  const FutexCallTable table =
      table_of({enter(100, 1, FUTEX_WAIT_PRIVATE), other(Kind::kSwitchOut, 110, 1),
                enter(200, 2, FUTEX_WAKE_PRIVATE), other(Kind::kWaking, 205, 2, 1), exit(210, 2, 1),
                other(Kind::kSwitchIn, 209, 1), exit(220, 1, 0)});
  ASSERT_EQ(table.calls().size(), 2u);
  const auto& [wait_key, wait] = *table.calls().begin();
  EXPECT_EQ(futex_operation_name(wait_key.operation), "WAIT");
  EXPECT_EQ(wait_key.word, kWord);
  EXPECT_EQ(wait.calls, 1u);
  EXPECT_EQ(wait.woken, 1u);
  EXPECT_EQ(wait.wait_ns, 120u);
  EXPECT_EQ(wait.cpu_ns, 120u - 99u);
  const auto& [wake_key, wake] = *std::next(table.calls().begin());
  EXPECT_EQ(futex_operation_name(wake_key.operation), "WAKE");
  EXPECT_EQ(wake.threads_woken, 1u);
  EXPECT_EQ(wake.useless, 0u);
  ASSERT_EQ(table.wakeups().size(), 1u);
  const auto& [who, wakeups] = *table.wakeups().begin();
  EXPECT_EQ(who, (FutexCallTable::WakeupKey{2, 1, kWord}));
  EXPECT_EQ(wakeups.count, 1u);
  ASSERT_EQ(wakeups.wake_to_run.size(), 3u);  // 4 ns
  EXPECT_EQ(wakeups.wake_to_run.back(), 1u);
  EXPECT_EQ(table.stacks(), (std::vector<std::vector<std::uint64_t>>{{1, 2, 3}}));
}

TEST(FutexCallTable, EveryEndOfAWaitIsKept) {
  const FutexCallTable table =
      table_of({enter(1, 1, FUTEX_WAIT_BITSET_PRIVATE), exit(2, 1, -EAGAIN),
                enter(3, 1, FUTEX_WAIT_BITSET_PRIVATE), exit(4, 1, -ETIMEDOUT),
                enter(5, 1, FUTEX_WAIT_BITSET_PRIVATE), exit(6, 1, -EINTR),
                enter(7, 1, FUTEX_WAIT_BITSET_PRIVATE), exit(8, 1, -EFAULT)});
  const reports::FutexCalls& sum = table.calls().begin()->second;
  EXPECT_EQ(sum.calls, 4u);
  EXPECT_EQ(sum.again, 1u);
  EXPECT_EQ(sum.timed_out, 1u);
  EXPECT_EQ(sum.interrupted, 1u);
  EXPECT_EQ(sum.failed, 1u);
}

TEST(FutexCallTable, RequeuingCountsBothAndAWakeThatFindsNobodyIsUseless) {
  const FutexCallTable table = table_of({enter(1, 1, FUTEX_CMP_REQUEUE_PRIVATE, 1), exit(2, 1, 3),
                                         enter(3, 1, FUTEX_WAKE_PRIVATE), exit(4, 1, 0)});
  for (const auto& [key, sum] : table.calls()) {
    const bool wake = futex_operation_name(key.operation) == "WAKE";
    EXPECT_EQ(sum.threads_woken, wake ? 0u : 1u);
    EXPECT_EQ(sum.threads_requeued, wake ? 0u : 2u);
    EXPECT_EQ(sum.useless, wake ? 1u : 0u);
  }
}

TEST(FutexCallTable, WhatBeganUnseenIsLeftOutAndOnlyInterruptedCallsRestart) {
  constexpr std::int64_t kRestartBlock = -516;
  FutexEvent restart = enter(20, 1, 0);
  restart.call = SYS_restart_syscall;
  EXPECT_TRUE(table_of({exit(1, 1, 0), restart, exit(30, 1, 0)}).calls().empty());
  const FutexCallTable table = table_of(
      {enter(10, 1, FUTEX_WAIT_PRIVATE), exit(15, 1, kRestartBlock), restart, exit(30, 1, 0)});
  ASSERT_EQ(table.calls().size(), 2u);
  EXPECT_EQ(table.calls().begin()->second.interrupted, 1u);
  const auto& [key, sum] = *std::next(table.calls().begin());
  EXPECT_EQ(key.operation, std::uint32_t{kOperationRestart});
  EXPECT_EQ(key.word, kWord);
  EXPECT_EQ(sum.woken, 1u);
}

}  // namespace
}  // namespace vfsprof::harness
