#include "harness/collect/futex_calls.h"

#include <linux/futex.h>
#include <sys/syscall.h>

#include <algorithm>
#include <bit>
#include <cerrno>

#include "harness/bpf/waits_layout.h"

namespace vfsprof::harness {
namespace {

constexpr std::array<std::string_view, 21> kOperations{
    "WAIT",           "WAKE",        "FD",          "REQUEUE",
    "CMP_REQUEUE",    "WAKE_OP",     "LOCK_PI",     "UNLOCK_PI",
    "TRYLOCK_PI",     "WAIT_BITSET", "WAKE_BITSET", "WAIT_REQUEUE_PI",
    "CMP_REQUEUE_PI", "LOCK_PI2",    "unknown",     "",
    "futex_waitv",    "futex_wake",  "futex_wait",  "futex_requeue",
    "restart_syscall"};

// Of the same numbers everywhere, and not in the headers of Debian 12.
constexpr std::uint64_t kFutexWake = 454, kFutexWait = 455, kFutexRequeue = 456;
// The kernel's own, in the result of a call that a signal interrupts (linux/errno.h).
constexpr std::int64_t kRestartSys = 512, kRestartBlock = 516;

bool is_wait(std::uint32_t operation) {
  switch (operation) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2:
    case FUTEX_TRYLOCK_PI:
    case FUTEX_WAIT_REQUEUE_PI:
    case kOperationWaitv:
    case kOperationWait2:
    case kOperationRestart:
      return true;
    default:
      return false;
  }
}

bool is_requeue(std::uint32_t operation) {
  return operation == FUTEX_REQUEUE || operation == FUTEX_CMP_REQUEUE ||
         operation == FUTEX_CMP_REQUEUE_PI || operation == kOperationRequeue2;
}

bool is_wake(std::uint32_t operation) {
  return is_requeue(operation) || operation == FUTEX_WAKE || operation == FUTEX_WAKE_BITSET ||
         operation == FUTEX_WAKE_OP || operation == FUTEX_UNLOCK_PI || operation == kOperationWake2;
}

std::uint32_t operation_of(const FutexEvent& event) {
  if (event.call == SYS_restart_syscall) return kOperationRestart;
  if (event.call == SYS_futex_waitv) return kOperationWaitv;
  if (event.call == kFutexWake) return kOperationWake2;
  if (event.call == kFutexWait) return kOperationWait2;
  if (event.call == kFutexRequeue) return kOperationRequeue2;
  const auto command = static_cast<std::uint32_t>(event.arguments[1]) & FUTEX_CMD_MASK;
  return command <= FUTEX_LOCK_PI2 ? command : std::uint32_t{kOperationUnknown};
}

/// Where the word's address is an argument.
bool has_word(std::uint32_t operation) {
  return operation != kOperationWaitv && operation != kOperationRequeue2;
}

void count(std::uint64_t duration_ns, reports::Log2Histogram& histogram) {
  const auto bucket =
      duration_ns == 0 ? std::size_t{0} : static_cast<std::size_t>(std::bit_width(duration_ns) - 1);
  if (histogram.size() <= bucket) histogram.resize(bucket + 1);
  ++histogram[bucket];
}

void end_wait(reports::FutexCalls& sum, std::int64_t result, std::uint64_t elapsed_ns) {
  if (result >= 0) {
    ++sum.woken;
  } else if (result == -EAGAIN) {
    ++sum.again;
  } else if (result == -ETIMEDOUT) {
    ++sum.timed_out;
  } else if (result == -EINTR || (result <= -kRestartSys && result >= -kRestartBlock)) {
    ++sum.interrupted;
  } else {
    ++sum.failed;
  }
  sum.wait_ns += elapsed_ns;
  count(elapsed_ns, sum.wait_time);
}

}  // namespace

std::string_view futex_operation_name(std::uint32_t operation) { return kOperations.at(operation); }

void FutexCallTable::add(const FutexEvent& event) {
  Thread& thread = threads_[event.tid];
  switch (event.kind) {
    case FutexEvent::Kind::kEnter:
      return enter(thread, event);
    case FutexEvent::Kind::kExit:
      return exit(thread, event);
    case FutexEvent::Kind::kWaking:
      return wake(thread, event);
    case FutexEvent::Kind::kSwitchOut:
      thread.left_cpu_ns = event.time_ns;
      return;
    case FutexEvent::Kind::kSwitchIn:
      return run(thread, event.time_ns);
  }
}

void FutexCallTable::enter(Thread& thread, const FutexEvent& event) {
  const std::uint32_t operation = operation_of(event);
  if (operation == kOperationRestart && !thread.restarts) return;  // of another system call
  const std::uint64_t word = operation == kOperationRestart ? thread.key.word
                             : has_word(operation)          ? event.arguments[0]
                                                            : 0;
  thread.restarts = false;
  thread.in_call = true;
  thread.entered_ns = event.time_ns;
  thread.left_cpu_ns = thread.off_cpu_ns = thread.woke = 0;
  // The third argument of those that wake and requeue; futex_requeue has no other place either.
  thread.most_woken = event.arguments[2];
  thread.key = {event.tid, stack_of(event.chain), word, operation};
}

void FutexCallTable::exit(Thread& thread, const FutexEvent& event) {
  if (!thread.in_call) return;
  thread.in_call = false;
  const std::uint32_t operation = thread.key.operation;
  const std::uint64_t elapsed_ns = event.time_ns - thread.entered_ns;
  reports::FutexCalls& sum = calls_[thread.key];
  ++sum.calls;
  sum.cpu_ns += elapsed_ns - std::min(elapsed_ns, thread.off_cpu_ns);
  if (is_wait(operation)) {
    end_wait(sum, event.result, elapsed_ns);
    thread.restarts = event.result == -kRestartBlock;
  } else if (event.result == -EAGAIN && is_wake(operation)) {
    ++sum.again;
  } else if (event.result < 0) {
    ++sum.failed;
  } else if (is_wake(operation)) {
    // Unlocking does not say whom it woke; requeuing wakes first and counts both.
    std::uint64_t woken =
        operation == FUTEX_UNLOCK_PI ? thread.woke : static_cast<std::uint64_t>(event.result);
    std::uint64_t requeued = 0;
    if (is_requeue(operation)) {
      woken = std::min(woken, thread.most_woken);
      requeued = static_cast<std::uint64_t>(event.result) - woken;
    }
    sum.threads_woken += woken;
    sum.threads_requeued += requeued;
    if (woken + requeued == 0) ++sum.useless;
  }
}

void FutexCallTable::wake(Thread& waker, const FutexEvent& event) {
  if (!waker.in_call || !is_wake(waker.key.operation)) return;
  ++waker.woke;
  const WakeupKey key{event.tid, event.wakee, waker.key.word};
  ++wakeups_[key].count;
  Thread& wakee = threads_[event.wakee];
  wakee.woken_ns = event.time_ns;
  wakee.woken_by = key;
}

void FutexCallTable::run(Thread& thread, std::uint64_t now_ns) {
  if (thread.left_cpu_ns != 0 && thread.in_call) {
    thread.off_cpu_ns += now_ns - std::max(thread.left_cpu_ns, thread.entered_ns);
  }
  thread.left_cpu_ns = 0;
  if (thread.woken_ns == 0) return;
  count(now_ns - thread.woken_ns, wakeups_[thread.woken_by].wake_to_run);
  thread.woken_ns = 0;
}

std::uint32_t FutexCallTable::stack_of(const std::vector<std::uint64_t>& chain) {
  const auto [found, added] =
      index_of_stack_.try_emplace(chain, static_cast<std::uint32_t>(stacks_.size()));
  if (added) stacks_.push_back(chain);
  return found->second;
}

}  // namespace vfsprof::harness
