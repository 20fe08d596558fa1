#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reports/model/stack_table.h"

namespace vfsprof::reports {

// Where threads waited, and who woke them: the futex ledger, the wall-clock ledger and the requests
// of a FUSE file system, as collectors fill them in (harness/collect). Part of run_result.h.

/// Durations by power of two: bucket i counts those of [2^i, 2^(i+1)) ns, bucket 0 also those of 0.
/// Grows to the highest bucket that was hit.
using Log2Histogram = std::vector<std::uint64_t>;

/// What a futex word is to its program, which decides to what a wake is attributed.
enum class WordPurpose { kLock, kQueue, kCompletion, kOther };

/// One futex word, or all that the program registered under one name.
struct FutexWord {
  std::uint64_t address = 0;  ///< 0 where several words share the entry
  std::string name;           ///< as the program registered it; empty in a foreign program
  WordPurpose purpose = WordPurpose::kOther;
};

/// All calls of one thread with one operation at one word from one call site.
struct FutexCalls {
  std::uint32_t thread = 0;  ///< index into Round::threads
  std::uint32_t stack = 0;   ///< index into Waits::stacks: the program's call site
  std::uint32_t word = 0;    ///< index into FutexLedger::words
  std::string operation;     ///< "WAIT", "WAIT_BITSET", "LOCK_PI", "WAKE", "futex_waitv", ...
  std::uint64_t calls = 0;
  std::uint64_t cpu_ns = 0;  ///< on a CPU between entry and exit of the calls
  // Waits: calls = woken + again + timed_out + interrupted + failed.
  std::uint64_t woken = 0;        ///< slept or not, and was woken (a PI lock: was acquired)
  std::uint64_t again = 0;        ///< EAGAIN: the word had changed before the thread slept
  std::uint64_t timed_out = 0;    ///< ETIMEDOUT
  std::uint64_t interrupted = 0;  ///< EINTR, or restarted by the kernel
  std::uint64_t failed = 0;       ///< any other error, of any operation
  std::uint64_t wait_ns = 0;      ///< wall clock in those calls, whatever their end
  Log2Histogram wait_time;
  // Wakes.
  std::uint64_t threads_woken = 0;
  std::uint64_t threads_requeued = 0;
  std::uint64_t useless = 0;  ///< wake calls that woke and requeued nobody
};

/// How often one thread woke another at one word.
struct FutexWakeups {
  std::uint32_t waker = 0;  ///< index into Round::threads
  std::uint32_t wakee = 0;
  std::uint32_t word = 0;  ///< index into FutexLedger::words
  std::uint64_t count = 0;
  Log2Histogram wake_to_run;  ///< from the wake-up to the wakee on its CPU
};

/// Every futex call of the observed process in the measured phase.
struct FutexLedger {
  std::string source;      ///< "bpf", "perf tracepoints", "counters of the daemon"
  bool call_sites = true;  ///< false: stacks are unknown
  bool results = true;     ///< false: only calls were counted, not how they ended
  std::vector<FutexWord> words;
  std::vector<FutexCalls> calls;
  std::vector<FutexWakeups> wakeups;
  std::uint64_t lost = 0;  ///< calls that no entry could be made for
};

/// Why a thread was off its CPU and not runnable.
enum class BlockReason { kFutex, kFuseRead, kDisk, kPageFault, kSleep, kPoll, kPipe, kOther };

/// Off-CPU time of one thread for one reason, in one stack, ended by one waker.
struct BlockedTime {
  std::uint32_t thread = 0;  ///< index into Round::threads
  BlockReason reason = BlockReason::kOther;
  std::uint32_t word = 0;   ///< index into FutexLedger::words; only where the reason is futex
  std::uint32_t stack = 0;  ///< index into Waits::stacks
  std::string waker;        ///< name of the thread that ended it, of any process; or "interrupt"
  std::uint64_t count = 0;
  std::uint64_t blocked_ns = 0;   ///< from leaving the CPU to the wake-up
  std::uint64_t runnable_ns = 0;  ///< from the wake-up to running
  Log2Histogram blocked_time;
};

/// The elapsed time of one thread: on_cpu_ns + runnable_ns + its BlockedTime::blocked_ns.
struct ThreadTime {
  std::uint32_t thread = 0;      ///< index into Round::threads
  std::uint64_t elapsed_ns = 0;  ///< its life within the measured phase
  std::uint64_t on_cpu_ns = 0;
  std::uint64_t runnable_ns = 0;  ///< preempted, or woken and not yet running
  std::uint64_t preemptions = 0;
};

/// Every nanosecond of every thread in the measured phase.
struct WallClock {
  std::string source;  ///< "bpf", "perf tracepoints"
  std::vector<ThreadTime> threads;
  std::vector<BlockedTime> blocked;
  std::uint64_t lost = 0;  ///< switches that no entry could be made for
};

/// Requests of one kind that a FUSE file system served in the measured phase.
struct FuseRequests {
  std::string operation;  ///< "WRITE", "LOOKUP", ...
  std::uint64_t count = 0;
  std::uint64_t errors = 0;
  Log2Histogram queue;         ///< in the kernel, until the daemon has read it; empty if unknown
  Log2Histogram daemon;        ///< from there until its reply
  Log2Histogram reply;         ///< in the reply's system call; empty if unknown
  std::uint64_t queue_ns = 0;  ///< sums of the same
  std::uint64_t daemon_ns = 0;
  std::uint64_t reply_ns = 0;
};

/// What the collectors of one round's waits found. A part that could not be measured has an empty
/// `source`; the round's capabilities say why.
struct Waits : StackTable {
  FutexLedger futexes;
  WallClock wall_clock;
  std::string fuse_source;  ///< "fuse tracepoints", "stamps of the daemon"
  std::vector<FuseRequests> fuse;
};

}  // namespace vfsprof::reports
