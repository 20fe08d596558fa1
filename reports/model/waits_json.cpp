#include "reports/model/waits_json.h"

#include <fmt/format.h>

#include <cstdint>
#include <initializer_list>

namespace vfsprof::reports {
namespace {

// Limits that no real run comes near. No sum over the whole file can overflow.
constexpr std::uint64_t kMaxSum = std::uint64_t{1} << 62;
constexpr std::size_t kMaxBuckets = 64;

/// Checks one list of entries.
class Checker {
 public:
  Checker(const Waits& waits, std::size_t threads, const JsonReader& list)
      : waits_(waits), threads_(threads), list_(list) {}

  void thread(std::uint32_t index) const {
    if (index >= threads_) {
      list_.fail(fmt::format("indices into the round's threads, which are {}", threads_));
    }
  }
  void stack(std::uint32_t index) const {
    if (index >= waits_.stacks.size()) {
      list_.fail(fmt::format("indices into stacks, which are {}", waits_.stacks.size()));
    }
  }
  void word(std::uint32_t index) const {
    if (index >= waits_.futexes.words.size()) {
      list_.fail(
          fmt::format("indices into the futex words, which are {}", waits_.futexes.words.size()));
    }
  }
  void histogram(const Log2Histogram& histogram) {
    if (histogram.size() > kMaxBuckets) {
      list_.fail(fmt::format("histograms of at most {} buckets", kMaxBuckets));
    }
    for (const std::uint64_t count : histogram) add({count});
  }
  void add(std::initializer_list<std::uint64_t> amounts) {
    for (const std::uint64_t amount : amounts) {
      if (amount > kMaxSum || (sum_ += amount) > kMaxSum) list_.fail("smaller counts and times");
    }
  }

 private:
  const Waits& waits_;
  const std::size_t threads_;
  const JsonReader list_;
  std::uint64_t sum_ = 0;
};

void check_futexes(const Waits& waits, std::size_t threads, const JsonReader& in) {
  Checker calls(waits, threads, in.member("calls"));
  for (const FutexCalls& entry : waits.futexes.calls) {
    calls.thread(entry.thread);
    calls.stack(entry.stack);
    calls.word(entry.word);
    calls.histogram(entry.wait_time);
    calls.add({entry.calls, entry.cpu_ns, entry.woken, entry.again, entry.timed_out,
               entry.interrupted, entry.failed, entry.wait_ns, entry.threads_woken,
               entry.threads_requeued, entry.useless});
  }
  Checker wakeups(waits, threads, in.member("wakeups"));
  for (const FutexWakeups& entry : waits.futexes.wakeups) {
    wakeups.thread(entry.waker);
    wakeups.thread(entry.wakee);
    wakeups.word(entry.word);
    wakeups.histogram(entry.wake_to_run);
    wakeups.add({entry.count});
  }
}

void check_wall_clock(const Waits& waits, std::size_t threads, const JsonReader& in) {
  Checker times(waits, threads, in.member("threads"));
  for (const ThreadTime& entry : waits.wall_clock.threads) {
    times.thread(entry.thread);
    times.add({entry.elapsed_ns, entry.on_cpu_ns, entry.runnable_ns, entry.preemptions});
  }
  Checker blocked(waits, threads, in.member("blocked"));
  for (const BlockedTime& entry : waits.wall_clock.blocked) {
    blocked.thread(entry.thread);
    blocked.stack(entry.stack);
    // Without a futex ledger there are no words to point to.
    if (entry.reason == BlockReason::kFutex && !waits.futexes.words.empty()) {
      blocked.word(entry.word);
    }
    blocked.histogram(entry.blocked_time);
    blocked.add({entry.count, entry.blocked_ns, entry.runnable_ns});
  }
}

}  // namespace

void check_waits(const Waits& waits, std::size_t threads, const JsonReader& in) {
  check_futexes(waits, threads, in.member("futexes"));
  check_wall_clock(waits, threads, in.member("wall_clock"));
  Checker fuse(waits, threads, in.member("fuse"));
  for (const FuseRequests& entry : waits.fuse) {
    for (const Log2Histogram* histogram : {&entry.queue, &entry.daemon, &entry.reply}) {
      fuse.histogram(*histogram);
    }
    fuse.add({entry.count, entry.errors, entry.queue_ns, entry.daemon_ns, entry.reply_ns});
  }
}

}  // namespace vfsprof::reports
