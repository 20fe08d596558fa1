// The ledgers of waits against programs whose waits are known.
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <regex>
#include <string>
#include <thread>

#include "harness/collect/proc.h"
#include "harness/tests/futex_subject.h"
#include "harness/tests/mount_fixture.h"
#include "reports/analyze/waits.h"

namespace vfsprof::harness {
namespace {

using reports::FutexCalls;
using reports::Round;

/// Why there is no ledger of every futex call here; empty if there is one.
std::string why_no_ledger(const Round& round, const TracingCollectors& collectors,
                          const std::string& source) {
  return round.waits && round.waits->futexes.source == source ? "" : collectors.lacks();
}

#define SKIP_WITHOUT_LEDGER_BY(round, collectors, source)                             \
  if (const std::string why = why_no_ledger(round, collectors, source); !why.empty()) \
  GTEST_SKIP() << why
#define SKIP_WITHOUT_LEDGER(round, collectors) SKIP_WITHOUT_LEDGER_BY(round, collectors, "bpf")

/// Each source that sees every futex call.
class EveryFutexCall : public testing::TestWithParam<const char*> {
 protected:
  static CollectorOptions options() {
    CollectorOptions result;
    result.use_bpf = GetParam() == std::string("bpf");
    return result;
  }
};

INSTANTIATE_TEST_SUITE_P(Source, EveryFutexCall, testing::Values("bpf", "perf tracepoints"),
                         [](const auto& test) {
                           return test.param == std::string("bpf") ? "Bpf" : "PerfTracepoints";
                         });

/// strace on a process, from its construction until the process ends.
class Strace {
 public:
  explicit Strace(pid_t pid)
      : file_(std::filesystem::temp_directory_path() / fmt::format("vfsprof-strace-{}", pid)) {
    strace_ = ::fork();
    if (strace_ == 0) {
      const int null = ::open("/dev/null", O_RDWR);
      for (const int fd : {0, 1, 2}) ::dup2(null, fd);
      ::execlp("strace", "strace", "-f", "-e", "trace=futex", "-o", file_.c_str(), "-p",
               std::to_string(pid).c_str(), nullptr);
      ::_exit(127);
    }
    attached_ = wait_until_attached(pid);
  }
  ~Strace() {
    ::kill(strace_, SIGTERM);
    ::waitpid(strace_, nullptr, 0);
    std::filesystem::remove(file_);
  }
  Strace(const Strace&) = delete;
  Strace& operator=(const Strace&) = delete;

  bool attached() const { return attached_; }

  /// Calls by operation; the process must have ended.
  std::map<std::string, std::uint64_t> counts() {
    ::waitpid(strace_, nullptr, 0);
    std::map<std::string, std::uint64_t> result;
    std::ifstream lines(file_);
    static const std::regex operation(R"(futex\(0x[0-9a-f]+, FUTEX_([A-Z0-9_]+))");
    for (std::string line; std::getline(lines, line);) {
      std::smatch found;
      if (!std::regex_search(line, found, operation)) continue;
      std::string name = found[1];
      if (const auto at = name.find("_PRIVATE"); at != std::string::npos) name.resize(at);
      ++result[name];
    }
    return result;
  }

 private:
  /// False if strace is not there or may not attach.
  bool wait_until_attached(pid_t pid) {
    for (int i = 0; i < 500; ++i) {
      if (::waitpid(strace_, nullptr, WNOHANG) != 0) return false;
      const std::string status = read_text(fmt::format("/proc/{}/status", pid)).value_or("");
      if (field_of(status, "TracerPid") == std::to_string(strace_)) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  std::filesystem::path file_;
  pid_t strace_ = -1;
  bool attached_ = false;
};

std::map<std::string, FutexCalls> by_operation(const Round& round) {
  std::map<std::string, FutexCalls> sums;
  for (const FutexCalls& entry : round.waits->futexes.calls) {
    FutexCalls& sum = sums[entry.operation];
    sum.calls += entry.calls;
    sum.woken += entry.woken;
    sum.again += entry.again;
    sum.timed_out += entry.timed_out;
    sum.failed += entry.failed;
    sum.threads_woken += entry.threads_woken;
    sum.threads_requeued += entry.threads_requeued;
    sum.useless += entry.useless;
  }
  return sums;
}

std::uint64_t sum_of(const Round& round, std::uint64_t FutexCalls::* member) {
  std::uint64_t sum = 0;
  for (const FutexCalls& entry : round.waits->futexes.calls) sum += entry.*member;
  return sum;
}

std::string text_of(const std::map<std::string, FutexCalls>& sums) {
  std::string text;
  for (const auto& [name, sum] : sums) text += fmt::format("{}={} ", name, sum.calls);
  return text;
}

void expect_near(double value, double wanted, double share, const std::string& what) {
  EXPECT_NEAR(value, wanted, share * wanted) << what;
}

TEST_P(EveryFutexCall, IsCountedAsStraceCountsIt) {
  FutexSubject subject(VFSPROF_FUTEX_CONFORMANCE, {});
  TracingCollectors collectors({.pid = subject.pid(), .counter_page = std::nullopt}, options());
  Strace strace(subject.pid());
  if (!strace.attached()) GTEST_SKIP() << "strace is not installed, or may not attach here";
  collectors.start();
  subject.say();
  const nlohmann::json tally = subject.tally();
  const Round round = collectors.stop();
  subject.kill();
  SKIP_WITHOUT_LEDGER_BY(round, collectors, GetParam());

  std::map<std::string, FutexCalls> sums = by_operation(round);
  const auto counted = strace.counts();
  for (const char* operation :
       {"WAIT", "WAIT_BITSET", "WAKE", "WAKE_BITSET", "WAKE_OP", "REQUEUE", "CMP_REQUEUE",
        "LOCK_PI", "LOCK_PI2", "TRYLOCK_PI", "UNLOCK_PI", "WAIT_REQUEUE_PI", "CMP_REQUEUE_PI"}) {
    EXPECT_TRUE(counted.contains(operation)) << operation;
  }
  for (const auto& [operation, calls] : counted) {
    EXPECT_EQ(sums[operation].calls, calls) << operation << "; collected: " << text_of(sums);
  }
  // What strace 6.1 does not trace under the name of futex, the program has counted itself.
  for (const char* operation : {"futex_waitv", "futex_wait", "futex_wake", "futex_requeue"}) {
    const auto own = tally["own"].find(operation);
    if (own == tally["own"].end()) continue;  // the kernel has no such call
    EXPECT_EQ(sums[operation].calls, (*own)["calls"].get<std::uint64_t>()) << operation;
    EXPECT_EQ(sums[operation].woken, (*own)["woken"].get<std::uint64_t>()) << operation;
    // The kernel returns both in one number.
    EXPECT_EQ(sums[operation].threads_woken + sums[operation].threads_requeued,
              (*own)["threads_woken"].get<std::uint64_t>())
        << operation;
  }
  for (const char* operation : {"WAKE_OP", "CMP_REQUEUE_PI"}) {
    EXPECT_EQ(sums[operation].threads_woken + sums[operation].threads_requeued,
              tally["own"][operation]["threads_woken"].get<std::uint64_t>())
        << operation;
  }
  for (const char* operation : {"LOCK_PI2", "TRYLOCK_PI", "WAIT_REQUEUE_PI"}) {
    EXPECT_EQ(sums[operation].woken, tally["own"][operation]["woken"].get<std::uint64_t>())
        << operation;
    EXPECT_EQ(sums[operation].again, tally["own"][operation]["again"].get<std::uint64_t>())
        << operation;
  }
  EXPECT_GE(sums["WAIT"].timed_out, tally["own"]["WAIT"]["timed_out"].get<std::uint64_t>());
  EXPECT_GE(sums["WAIT"].again, tally["own"]["WAIT"]["again"].get<std::uint64_t>());
  EXPECT_EQ(round.waits->futexes.lost, 0U);
}

TEST(FutexTruth, CallSitesAreTheProgramsOwn) {
  FutexSubject subject(VFSPROF_FUTEX_CONFORMANCE, {});
  TracingCollectors collectors({.pid = subject.pid(), .counter_page = std::nullopt});
  collectors.start();
  subject.say();
  (void)subject.tally();
  const Round round = collectors.stop();
  SKIP_WITHOUT_LEDGER(round, collectors);
  std::uint64_t own = 0;
  std::string others;
  for (const FutexCalls& entry : round.waits->futexes.calls) {
    if (reports::program_frames(*round.waits, entry.stack, 1).empty()) {
      others += fmt::format("{} x {} at {}; ", entry.calls, entry.operation,
                            reports::call_site(*round.waits, entry.stack));
    } else {
      own += entry.calls;
    }
  }
  const std::uint64_t all = sum_of(round, &FutexCalls::calls);
  EXPECT_GE(static_cast<double>(own), 0.98 * static_cast<double>(all)) << others;
}

TEST_P(EveryFutexCall, TheMatrixIsThePattern) {
  FutexSubject subject(VFSPROF_FUTEX_PATTERNS, {"matrix", "4"});
  TracingCollectors collectors({.pid = subject.pid(), .counter_page = std::nullopt}, options());
  collectors.start();
  subject.say();
  const nlohmann::json tally = subject.tally();
  const Round round = collectors.stop();
  SKIP_WITHOUT_LEDGER_BY(round, collectors, GetParam());

  std::map<std::pair<std::string, std::string>, std::uint64_t> cells;
  for (const reports::FutexWakeups& entry : round.waits->futexes.wakeups) {
    cells[{round.threads[entry.waker].name, round.threads[entry.wakee].name}] += entry.count;
  }
  std::size_t of_pattern = 0;
  for (const auto& [key, count] : cells) {
    of_pattern += key.first.starts_with("pattern") && key.second.starts_with("pattern") ? 1 : 0;
  }
  EXPECT_EQ(of_pattern, tally["cells"].size());
  for (const nlohmann::json& cell : tally["cells"]) {
    const std::pair key(cell["waker"].get<std::string>(), cell["wakee"].get<std::string>());
    expect_near(static_cast<double>(cells[key]), cell["count"], 0.02,
                key.first + " wakes " + key.second);
  }
  const auto woken = static_cast<double>(sum_of(round, &FutexCalls::woken));
  expect_near(static_cast<double>(sum_of(round, &FutexCalls::threads_woken)), woken, 0.01,
              "threads woken");
  expect_near(static_cast<double>(by_operation(round)["WAKE"].useless), tally["useless"], 0.02,
              "useless wakes");
}

TEST(FutexTruth, ThreadsWokenAreCompletedWaitsUnderLoad) {
  FutexSubject subject(VFSPROF_FUTEX_PATTERNS, {"ping-pong", "50000"});
  TracingCollectors collectors({.pid = subject.pid(), .counter_page = std::nullopt});
  collectors.start();
  subject.say();
  (void)subject.tally();
  const Round round = collectors.stop();
  SKIP_WITHOUT_LEDGER(round, collectors);
  const auto woken = static_cast<double>(sum_of(round, &FutexCalls::woken));
  EXPECT_GT(woken, 10'000);
  expect_near(static_cast<double>(sum_of(round, &FutexCalls::threads_woken)), woken, 0.01,
              "threads woken");
}

TEST(FutexTruth, TheDaemonsWaitsHaveNames) {
  if (const std::string reason = reason_not_to_mount(); !reason.empty()) GTEST_SKIP() << reason;
  Mount mount("mutex-pool,threads=4");
  TracingCollectors collectors(
      {.pid = *mount.target().observed_process(), .counter_page = mount.target().counter_page()});
  collectors.start();
  ASSERT_TRUE(mount.shell(
      "for i in 1 2 3 4; do dd if=/dev/zero of=$i bs=4k count=1000 2>/dev/null & done; wait"));
  const Round round = collectors.stop();
  SKIP_WITHOUT_LEDGER(round, collectors);
  const auto tables = reports::analyse_waits({&round});
  ASSERT_TRUE(tables);
  std::string nameless;
  for (const reports::WordRow& row : tables->futexes.words) {
    if (!row.named) nameless += fmt::format("{}: {}; ", row.word, row.totals.waits);
  }
  EXPECT_GT(tables->futexes.totals.waits, 1000U);
  EXPECT_GE(tables->futexes.named_wait_share, 0.95) << nameless;
}

class WallClockTruth : public testing::TestWithParam<const char*> {};

TEST_P(WallClockTruth, AddsUpToTheElapsedTimeOfEachThread) {
  FutexSubject subject(VFSPROF_FUTEX_PATTERNS, {GetParam()});
  TracingCollectors collectors({.pid = subject.pid(), .counter_page = std::nullopt});
  collectors.start();
  subject.say();
  const nlohmann::json tally = subject.tally();
  const Round round = collectors.stop();
  SKIP_WITHOUT_LEDGER(round, collectors);

  std::map<std::uint32_t, std::uint64_t> blocked;
  for (const reports::BlockedTime& entry : round.waits->wall_clock.blocked) {
    blocked[entry.thread] += entry.blocked_ns;
  }
  EXPECT_GE(round.waits->wall_clock.threads.size(), tally["threads"].get<std::size_t>());
  for (const reports::ThreadTime& time : round.waits->wall_clock.threads) {
    expect_near(static_cast<double>(time.on_cpu_ns + time.runnable_ns + blocked[time.thread]),
                static_cast<double>(time.elapsed_ns), 0.01, round.threads[time.thread].name);
  }
  EXPECT_EQ(round.waits->wall_clock.lost, 0U);
}

INSTANTIATE_TEST_SUITE_P(Load, WallClockTruth,
                         testing::Values("busy", "idle", "short-lived", "matrix"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace vfsprof::harness
