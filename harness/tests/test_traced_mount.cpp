// Tracing rounds end to end: of real mounts, of `vfsprof run` and of `vfsprof profile`.

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cctype>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <numeric>
#include <string>

#include "harness/collect/waits.h"
#include "harness/process.h"
#include "harness/tests/mount_fixture.h"
#include "reports/model/json.h"
#include "reports/model/run_result.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;
using reports::Round;

std::uint64_t sum_of(const reports::Log2Histogram& histogram) {
  return std::accumulate(histogram.begin(), histogram.end(), std::uint64_t{0});
}

/// Why there is nothing to test where `waits` is as `capability` says; empty if there is.
std::string why_not(const reports::Capability& capability) {
  const bool traced = capability.detail.starts_with("futex calls and wall clock through BPF");
  return traced ? "" : capability.detail;
}

/// on CPU + runnable + blocked of each thread is the time that it lived, but for one per cent.
void expect_that_it_adds_up(const Round& round) {
  std::map<std::uint32_t, std::uint64_t> blocked_ns;
  for (const auto& blocked : round.waits->wall_clock.blocked) {
    blocked_ns[blocked.thread] += blocked.blocked_ns;
  }
  EXPECT_FALSE(round.waits->wall_clock.threads.empty());
  for (const auto& thread : round.waits->wall_clock.threads) {
    const auto sum_ns = thread.on_cpu_ns + thread.runnable_ns + blocked_ns[thread.thread];
    EXPECT_NEAR(static_cast<double>(sum_ns), static_cast<double>(thread.elapsed_ns),
                0.01 * static_cast<double>(thread.elapsed_ns))
        << round.threads[thread.thread].name;
  }
}

reports::FuseRequests requests_of(const Round& round, const std::string& operation) {
  for (const auto& requests : round.waits->fuse) {
    if (requests.operation == operation) return requests;
  }
  return {};
}

class TracedMount : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (const std::string reason = reason_not_to_mount(); !reason.empty()) GTEST_SKIP() << reason;
  }
};

TEST_P(TracedMount, RequestsHaveTheirTimesByOperation) {
  Mount mount(GetParam());
  const auto collector = make_waits_collector({});
  collector->attach({.pid = *mount.target().observed_process()});
  if (const std::string reason = why_not(collector->capability()); !reason.empty()) {
    GTEST_SKIP() << reason;
  }
  collector->start();
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(
      mount.shell("mkdir folder && touch folder/file && ! rmdir folder && "
                  "dd if=/dev/zero of=file bs=4k count=50 2>/dev/null"));
  const auto elapsed_ns = static_cast<std::uint64_t>(
      std::chrono::nanoseconds(std::chrono::steady_clock::now() - begin).count());
  collector->stop();
  Round round;
  collector->collect(round);
  ASSERT_TRUE(round.waits);
  if (round.waits->fuse_source != "fuse tracepoints")
    GTEST_SKIP() << collector->capability().detail;

  const reports::FuseRequests writes = requests_of(round, "WRITE");
  EXPECT_EQ(writes.count, 50u);
  EXPECT_EQ(writes.errors, 0u);
  for (const auto* histogram : {&writes.queue, &writes.daemon, &writes.reply}) {
    EXPECT_EQ(sum_of(*histogram), 50u);
  }
  EXPECT_GT(writes.queue_ns, 0u);
  EXPECT_GT(writes.daemon_ns, 0u);
  EXPECT_GT(writes.reply_ns, 0u);
  // The client waited for each of them.
  EXPECT_LT(writes.queue_ns + writes.daemon_ns, elapsed_ns);
  EXPECT_EQ(requests_of(round, "MKDIR").count, 1u);
  EXPECT_EQ(requests_of(round, "MKDIR").errors, 0u);
  EXPECT_EQ(requests_of(round, "RMDIR").count, 1u);
  EXPECT_EQ(requests_of(round, "RMDIR").errors, 1u);
  EXPECT_GE(requests_of(round, "LOOKUP").count, 2u);
  expect_that_it_adds_up(round);
}

INSTANTIATE_TEST_SUITE_P(Variants, TracedMount,
                         ::testing::Values("mutex-pool", "sync-path", "sync-path,splice=on",
                                           "sync-path,threads=3,clone_fd=on"),
                         [](const auto& test) {
                           std::string name = test.param;
                           for (char& letter : name)
                             letter = std::isalnum(static_cast<unsigned char>(letter)) != 0 ? letter
                                                                                            : '_';
                           return name;
                         });

/// Runs commands in a folder of their own, and reads what they leave there.
class TracingRounds : public ::testing::Test {
 protected:
  TracingRounds() : work_(fs::temp_directory_path()) {}

  void SetUp() override {
    if (const std::string reason = reason_not_to_mount(); !reason.empty()) GTEST_SKIP() << reason;
  }

  void run(const std::string& command) const {
    const std::string line = "cd '" + work_.path().string() + "' && export PATH='" +
                             program_directory().string() + "':$PATH && { " + command +
                             "; } >output.txt 2>&1 </dev/null";
    const int status = std::system(line.c_str());  // NOLINT(concurrency-mt-unsafe): one thread
    ASSERT_EQ(WEXITSTATUS(status), 0) << read("output.txt");
  }
  std::string read(const std::string& name) const {
    std::ifstream file(work_.path() / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  reports::RunResult result(const std::string& name) const {
    return reports::run_result_from_json(read(name), name);
  }

  WorkDirectory work_;
};

/// Why the result has no ledgers of the kernel; empty if it has.
std::string why_not(const reports::RunResult& result) {
  for (const reports::Capability& capability : result.capabilities) {
    if (capability.name == "waits") return why_not(capability);
  }
  return "the result says nothing of waits";
}

std::uint64_t futex_calls(const Round& round) {
  std::uint64_t sum = 0;
  for (const auto& calls : round.waits->futexes.calls) sum += calls.calls;
  return sum;
}

TEST_F(TracingRounds, OfARunHoldFutexesWallClockAndRequests) {
  std::ofstream(work_.path() / "tiny.json") << R"({
    "name": "tiny", "summary": "a few writes", "stresses": "the harness", "seed": 7,
    "runtime_cap": "60s",
    "jobs": [{"name": "writers", "rw": "randwrite", "bs": "4k", "size": "256k", "numjobs": 2,
              "number_ios": 200, "prefill": true}]
  })";
  ASSERT_NO_FATAL_FAILURE(
      run("vfsprof run --scenario tiny.json --variant mutex-pool --rounds 1 --profile-rounds 0 "
          "--trace-rounds 1 --no-floor --out out"));
  const reports::RunResult found = result("out/run.json");
  if (const std::string reason = why_not(found); !reason.empty()) GTEST_SKIP() << reason;
  unsigned traced = 0;
  for (const Round& round : found.rounds) {
    EXPECT_EQ(round.waits.has_value(), round.kind == reports::RoundKind::kTracing);
    if (!round.waits) continue;
    ++traced;
    EXPECT_EQ(round.waits->futexes.source, "bpf");
    EXPECT_EQ(round.waits->futexes.lost + round.waits->wall_clock.lost, 0u);
    // Each write is handed over and back: at least two wakes and two waits.
    EXPECT_GE(futex_calls(round), 4u * 400u);
    expect_that_it_adds_up(round);
    if (!round.waits->fuse_source.empty()) {
      EXPECT_EQ(requests_of(round, "WRITE").count, 400u);
    }
  }
  EXPECT_EQ(traced, 1u);
}

TEST_F(TracingRounds, OfADaemonObservedByItsProcessId) {
  Mount mount("mutex-pool");
  const std::string file = (mount.root() / "file").string();
  ASSERT_NO_FATAL_FAILURE(
      run("{ while ! test -e done; do dd if=/dev/zero of='" + file +
          "' bs=4k count=200; done & } && vfsprof profile --duration 2 --out out --pid " +
          std::to_string(*mount.target().observed_process()) +
          "; code=$?; touch done; wait; exit $code"));
  const reports::RunResult found = result("out/profile.json");
  if (const std::string reason = why_not(found); !reason.empty()) GTEST_SKIP() << reason;
  std::uint64_t writes = 0;
  std::uint64_t calls = 0;
  unsigned traced = 0;
  bool requests_are_seen = false;
  for (const Round& round : found.rounds) {
    if (!round.waits) continue;
    ++traced;
    requests_are_seen = !round.waits->fuse_source.empty();
    calls += futex_calls(round);
    writes += requests_of(round, "WRITE").count;
    expect_that_it_adds_up(round);
  }
  EXPECT_GE(traced, 1u);  // the first block has one, however slow the machine
  EXPECT_GT(calls, 0u);
  if (requests_are_seen) {
    EXPECT_GT(writes, 0u);
  }
}

TEST_F(TracingRounds, OfACommandFollowItsChildren) {
  ASSERT_NO_FATAL_FAILURE(
      run("vfsprof profile --duration 5 --out out -- sh -c "
          "'while :; do echo | futex_patterns ping-pong 20000; done'"));
  const reports::RunResult found = result("out/profile.json");
  if (const std::string reason = why_not(found); !reason.empty()) GTEST_SKIP() << reason;
  std::uint64_t calls = 0;
  for (const Round& round : found.rounds) {
    if (round.waits) calls += futex_calls(round);
  }
  EXPECT_GT(calls, 0u);  // a loaded machine may start few children within a traced stretch
}

}  // namespace
}  // namespace vfsprof::harness
