#include <algorithm>

#include "reports/tests/synthetic.h"

namespace vfsprof::reports::synthetic {
namespace {

constexpr std::uint32_t kWorker = 0, kSession = 1;  // as make_round adds them
constexpr std::uint32_t kPool = 0, kParked = 1, kUnnamed = 2;
constexpr std::uint32_t kLockStack = 0, kUnlockStack = 1, kParkStack = 2;

Waits empty_waits() {
  Waits waits;
  const auto libc = [](const char* function) {
    return Frame{FrameKind::kUser, function, "libc.so.6"};
  };
  waits.frames = {libc("__lll_lock_wait_private"),
                  libc("pthread_mutex_lock"),
                  user("std::mutex::lock()"),
                  user("vfsprof::vfs::MutexPool::Of<int>::modify(int)"),
                  libc("pthread_mutex_unlock"),
                  user("vfsprof::vfs::WorkerPool::work(Worker&)"),
                  kernel("futex_wait")};
  waits.stacks = {{6, 0, 1, 2, 3}, {4, 3}, {6, 5}};
  waits.futexes.source = "bpf";
  waits.futexes.words = {{0x1000, "pool.mutex", WordPurpose::kLock},
                         {0x2000, "workers.parked", WordPurpose::kQueue},
                         {0x3000, "", WordPurpose::kOther}};
  waits.wall_clock.source = "bpf";
  return waits;
}

FutexCalls wait_calls(std::uint32_t thread, std::uint32_t word, std::uint32_t stack,
                      std::uint64_t count) {
  FutexCalls calls{
      .thread = thread, .stack = stack, .word = word, .operation = "WAIT_BITSET", .wait_time = {}};
  calls.calls = count;
  calls.woken = count - count / 10;
  calls.again = count / 10;
  calls.wait_ns = count * 2'000;
  calls.wait_time.assign(11, 0);
  calls.wait_time[10] = count;  // 1,024 to 2,047 ns
  calls.cpu_ns = count * 500;
  return calls;
}

FutexCalls wake_calls(std::uint32_t thread, std::uint32_t word, std::uint32_t stack,
                      std::uint64_t woken) {
  FutexCalls calls{
      .thread = thread, .stack = stack, .word = word, .operation = "WAKE", .wait_time = {}};
  calls.threads_woken = woken;
  calls.useless = woken / 9;
  calls.calls = woken + calls.useless;
  calls.cpu_ns = calls.calls * 700;
  return calls;
}

}  // namespace

void add_waits(Round& round, std::uint64_t scale) {
  Waits waits = empty_waits();
  const std::uint64_t n = 900 * scale;
  FutexLedger& futexes = waits.futexes;
  futexes.calls = {wait_calls(kWorker, kPool, kLockStack, n),
                   wake_calls(kSession, kPool, kUnlockStack, n - n / 10),
                   wait_calls(kWorker, kParked, kParkStack, n / 9),
                   wake_calls(kSession, kParked, kUnlockStack, n / 9 - n / 90),
                   wait_calls(kSession, kUnnamed, kLockStack, n / 90),
                   wake_calls(kWorker, kUnnamed, kParkStack, n / 90 - n / 900)};
  futexes.wakeups = {{kSession, kWorker, kPool, n - n / 10, {0, 0, 0, 5}},
                     {kWorker, kSession, kUnnamed, n / 90 - n / 900, {0, 0, 0, 1}}};
  WallClock& clock = waits.wall_clock;
  for (const std::uint32_t thread : {kWorker, kSession}) {
    clock.threads.push_back({thread, 1'000'000'000, 300'000'000, 100'000'000, 7});
    clock.blocked.push_back({.thread = thread,
                             .reason = BlockReason::kFutex,
                             .word = kPool,
                             .stack = kLockStack,
                             .waker = "mount_vfs",
                             .count = n,
                             .blocked_ns = 400'000'000,
                             .runnable_ns = 1'000'000,
                             .blocked_time = {0, n}});
    clock.blocked.push_back({.thread = thread,
                             .reason = BlockReason::kFuseRead,
                             .word = 0,
                             .stack = kParkStack,
                             .waker = "client",
                             .count = 3,
                             .blocked_ns = 200'000'000,
                             .runnable_ns = 0,
                             .blocked_time = {3}});
  }
  waits.fuse_source = "stamps of the daemon";
  waits.fuse = {{.operation = "WRITE",
                 .count = 1000,
                 .errors = 0,
                 .queue = {},
                 .daemon = {0, 0, 1000},
                 .reply = {1000},
                 .queue_ns = 0,
                 .daemon_ns = 5000,
                 .reply_ns = 1000}};
  round.waits = std::move(waits);
}

void add_tracing_rounds(RunResult& result, std::uint32_t blocks) {
  for (std::uint32_t block = 0; block < blocks; ++block) {
    for (std::uint32_t arm = 0; arm < result.arms.size(); ++arm) {
      Round round = make_round({.arm = arm, .block = block, .kind = RoundKind::kTracing});
      add_waits(round, arm == 0 ? 2 : 1);
      result.rounds.push_back(std::move(round));
    }
  }
}

}  // namespace vfsprof::reports::synthetic
