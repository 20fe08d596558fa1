#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>

#include "harness/clock.h"
#include "harness/collect/collector.h"
#include "harness/collect/counters.h"
#include "harness/collect/process_tree.h"
#include "harness/collect/usage.h"
#include "harness/tests/collect_subject.h"
#include "vfs/counters.h"

namespace vfsprof::harness {
namespace {

using reports::CapabilityState;
using vfs::CounterPage;

TEST(CollectUsage, CpuTimeAgreesWithWhatTheProcessCountsItself) {
  Subject subject("spin");
  const auto usage = make_usage_collector({});
  usage->attach({.pid = subject.pid(), .counter_page = std::nullopt});
  usage->start();
  subject.say();
  let_use_cpu(subject.pid(), 300);
  usage->stop();  // before the thread ends, so that its row is there
  subject.say();
  const double process_ns = std::stod(subject.read_line());
  reports::Round round;
  usage->collect(round);

  const auto worker =
      std::ranges::find(round.threads, std::string("late-worker-7"), &reports::Thread::name);
  ASSERT_NE(worker, round.threads.end());
  EXPECT_EQ(worker->full_name, "late-worker-7");
  EXPECT_EQ(worker->role, "late-worker");
  // The subject runs on until it sees the second word: it can only have used more. Its worker does
  // all the work.
  EXPECT_GT(static_cast<double>(worker->cpu_ns), 0.7 * process_ns);
  EXPECT_LT(static_cast<double>(worker->cpu_ns), 1.02 * process_ns);
  EXPECT_GE(round.process_cpu_ns, worker->cpu_ns);
  EXPECT_LT(static_cast<double>(round.process_cpu_ns), 1.02 * process_ns);
  const auto main_thread =
      std::ranges::find(round.threads, std::string("subject-main"), &reports::Thread::name);
  ASSERT_NE(main_thread, round.threads.end());
  EXPECT_LT(main_thread->cpu_ns, worker->cpu_ns / 4);
  EXPECT_GE(main_thread->voluntary_switches, 1u);  // it waited for the second word
  EXPECT_EQ(usage->capability().state, CapabilityState::kAvailable) << usage->capability().detail;
}

TEST(CollectUsage, CpuTimeOfEndedThreadsStaysInTheProcessAndIsSaidToHaveNoRow) {
  Subject subject("spin");
  const auto usage = make_usage_collector({});
  usage->attach({.pid = subject.pid(), .counter_page = std::nullopt});
  usage->start();
  subject.say();
  let_use_cpu(subject.pid(), 300);
  subject.say();
  const double process_ns = std::stod(subject.read_line());
  usage->stop();
  reports::Round round;
  usage->collect(round);
  EXPECT_EQ(round.threads.size(), 1u);
  EXPECT_GT(static_cast<double>(round.process_cpu_ns), 0.95 * process_ns);
  EXPECT_EQ(usage->capability().state, CapabilityState::kDegraded);
  EXPECT_NE(usage->capability().detail.find("ended"), std::string::npos);
}

TEST(CollectUsage, AThreadThatEndsKeepsItsRow) {
  Subject subject("spin");
  const auto usage = make_usage_collector({});
  usage->attach({.pid = subject.pid(), .counter_page = std::nullopt});
  subject.say();
  let_use_cpu(subject.pid(), 50);
  usage->start();
  subject.say();
  subject.read_line();
  usage->stop();
  reports::Round round;
  usage->collect(round);
  EXPECT_EQ(round.threads.size(), 2u);
}

TEST(CollectUsage, AProcessThatDiesMeanwhileIsReported) {
  Subject subject("crash");
  const auto usage = make_usage_collector({});
  usage->attach({.pid = subject.pid(), .counter_page = std::nullopt});
  usage->start();
  subject.say();
  subject.say();
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(subject.pid()), &info, WEXITED | WNOWAIT), 0);
  usage->stop();
  reports::Round round;
  usage->collect(round);
  EXPECT_EQ(usage->capability().state, CapabilityState::kDegraded) << usage->capability().detail;
}

/// Burns CPU until this process has used so much.
void use_cpu_ms(std::uint64_t milliseconds) {
  while (clock_ns(CLOCK_PROCESS_CPUTIME_ID) < milliseconds * 1'000'000) {
  }
}

TEST(CollectUsage, AnOrphanThatEndsTakesNoTimeOffTheOthers) {
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);  // it becomes ours, and so is waited for
  int go[2], said[2];
  ASSERT_TRUE(::pipe2(go, O_CLOEXEC) == 0 && ::pipe2(said, O_CLOEXEC) == 0);
  const auto say_pid = [&] {
    const pid_t pid = ::getpid();
    if (::write(said[1], &pid, sizeof pid) != sizeof pid) ::_exit(1);
  };
  const auto hear_pid = [&] {
    pid_t pid = 0;
    EXPECT_EQ(::read(said[0], &pid, sizeof pid), static_cast<ssize_t>(sizeof pid));
    return pid;
  };
  const pid_t root = ::fork();
  if (root == 0) {
    if (::fork() == 0) {
      if (::fork() == 0) {
        use_cpu_ms(200);
        say_pid();
      }
      while (true) ::pause();
    }
    char byte = 0;
    if (::read(go[0], &byte, 1) != 1) ::_exit(1);
    use_cpu_ms(60);
    say_pid();
    while (true) ::pause();
  }
  const pid_t orphan = hear_pid();
  const auto state = read_process_state(orphan);
  ASSERT_TRUE(state);
  const auto usage = make_usage_collector({});
  usage->attach({.pid = root, .follow_children = true});
  usage->start();
  ::kill(state->parent, SIGKILL);
  while (read_process_state(orphan)->parent != ::getpid()) ::usleep(1000);
  ::kill(orphan, SIGKILL);
  EXPECT_EQ(::waitpid(orphan, nullptr, 0), orphan);
  ASSERT_EQ(::write(go[1], "x", 1), 1);
  EXPECT_EQ(hear_pid(), root);
  usage->stop();
  reports::Round round;
  usage->collect(round);
  EXPECT_GE(round.process_cpu_ns, 50'000'000U);
  ::kill(root, SIGKILL);
  EXPECT_EQ(::waitpid(root, nullptr, 0), root);
  EXPECT_EQ(::waitpid(state->parent, nullptr, 0), state->parent);
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
  for (const int fd : {go[0], go[1], said[0], said[1]}) ::close(fd);
}

/// A page in a temporary file.
class CollectCounters : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name =
        (std::filesystem::temp_directory_path() / "vfsprof-counters-XXXXXX").string();
    fd_.reset(::mkstemp(name.data()));
    ASSERT_TRUE(fd_);
    path_ = name;
    page_ = std::make_unique<CounterPage>();
    page_->magic = CounterPage::kMagic;
    describe(0, "apples", "pieces");
    describe(1, "a_counter_of_a_later_build", "bytes");
    page_->counter_count = 2;
    page_->slot_count = 2;
    flush();
  }
  void TearDown() override { std::filesystem::remove(path_); }

  void describe(std::size_t index, const char* name, const char* unit) {
    std::copy_n(name, std::strlen(name), page_->descriptions[index].name);
    std::copy_n(unit, std::strlen(unit), page_->descriptions[index].unit);
  }
  void flush() {
    const auto size = static_cast<ssize_t>(sizeof(CounterPage));
    ASSERT_EQ(::pwrite(fd_.get(), page_.get(), sizeof(CounterPage), 0), size);
  }
  std::unique_ptr<Collector> attached() {
    auto counters = make_counters_collector({});
    counters->attach({.pid = ::getpid(), .counter_page = path_});
    return counters;
  }

  UniqueFd fd_;
  std::filesystem::path path_;
  std::unique_ptr<CounterPage> page_;
};

TEST_F(CollectCounters, SumsOverThreadsAreSubtracted) {
  page_->slots[0].values[0] = 5;
  page_->slots[1].values[0] = 7;
  page_->slots[0].values[1] = 1000;
  page_->slots[2].values[0] = 999;  // beyond slot_count: no thread's
  flush();
  const auto counters = attached();
  counters->start();
  page_->slots[0].values[0] = 15;
  page_->slots[1].values[0] = 8;
  page_->slots[2].values[1] = 24;
  page_->slot_count = 3;  // a thread came meanwhile; it had 0 of everything before
  page_->slots[2].values[0] = 0;
  flush();
  counters->stop();
  reports::Round round;
  counters->collect(round);
  ASSERT_EQ(round.counters.size(), 2u);
  EXPECT_EQ(round.counters[0].name, "apples");
  EXPECT_EQ(round.counters[0].unit, "pieces");
  EXPECT_EQ(round.counters[0].value, 11u);
  EXPECT_EQ(round.counters[1].name, "a_counter_of_a_later_build");
  EXPECT_EQ(round.counters[1].value, 24u);
  EXPECT_EQ(counters->capability().state, CapabilityState::kAvailable);
}

TEST_F(CollectCounters, ANameThatFillsItsFieldIsNotReadBeyondIt) {
  describe(0, std::string(CounterPage::kNameSize, 'n').c_str(), "pieces");
  flush();
  const auto counters = attached();
  counters->start();
  counters->stop();
  reports::Round round;
  counters->collect(round);
  ASSERT_EQ(round.counters.size(), 2u);
  EXPECT_EQ(round.counters[0].name, std::string(CounterPage::kNameSize, 'n'));
}

TEST_F(CollectCounters, CountsOutOfRangeAreBounded) {
  page_->counter_count = 1'000'000;
  page_->slot_count = 1'000'000;
  flush();
  const auto counters = attached();
  counters->start();
  counters->stop();
  reports::Round round;
  counters->collect(round);
  EXPECT_EQ(round.counters.size(), CounterPage::kMaxCounters);
}

TEST_F(CollectCounters, AWrongMagicAShortFileAndNoFileAreReported) {
  const auto expect_unavailable = [&](const char* part) {
    const auto counters = attached();
    counters->start();
    counters->stop();
    reports::Round round;
    counters->collect(round);
    EXPECT_TRUE(round.counters.empty());
    EXPECT_EQ(counters->capability().state, CapabilityState::kUnavailable);
    EXPECT_NE(counters->capability().detail.find(part), std::string::npos)
        << counters->capability().detail;
  };
  page_->magic = 42;
  flush();
  expect_unavailable("begins with 0x2a");
  ASSERT_EQ(::ftruncate(fd_.get(), 100), 0);
  expect_unavailable("has 100 bytes");
  std::filesystem::remove(path_);
  expect_unavailable("cannot open");
}

TEST(CollectCountersAbsent, AProcessWithoutAPageIsNoError) {
  const auto counters = make_counters_collector({});
  counters->attach({.pid = ::getpid(), .counter_page = std::nullopt});
  counters->start();
  counters->stop();
  reports::Round round;
  counters->collect(round);
  EXPECT_TRUE(round.counters.empty());
  EXPECT_EQ(counters->capability().state, CapabilityState::kUnavailable);
}

}  // namespace
}  // namespace vfsprof::harness
