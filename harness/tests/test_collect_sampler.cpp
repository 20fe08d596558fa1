#include <gtest/gtest.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/collect/collector.h"
#include "harness/collect/perf_event.h"
#include "harness/collect/proc.h"
#include "harness/tests/collect_subject.h"

namespace vfsprof::harness {
namespace {

using reports::CapabilityState;
using reports::FrameKind;

constexpr uid_t kNobody = 65534;

/// What a run of all collectors over a subject gave.
struct Observation {
  reports::Round round;
  reports::Capability sampler;
};

/// When the subject's worker thread starts, and where it may run.
enum class Worker { kBeforeOnOneCpu, kWhileSampling };

/// Lets the process run on the first CPU that it may use, and on no other.
void keep_on_one_cpu(pid_t pid) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  ASSERT_EQ(::sched_getaffinity(pid, sizeof allowed, &allowed), 0);
  std::size_t first = 0;
  while (!CPU_ISSET(first, &allowed)) ++first;
  CPU_ZERO(&allowed);
  CPU_SET(first, &allowed);
  ASSERT_EQ(::sched_setaffinity(pid, sizeof allowed, &allowed), 0);
}

Observation observe(const char* mode, std::uint64_t cpu_ms,
                    Worker worker = Worker::kWhileSampling) {
  Subject subject(mode);
  if (worker == Worker::kBeforeOnOneCpu) keep_on_one_cpu(subject.pid());
  if (worker != Worker::kWhileSampling) {
    subject.say();
    while (list_threads(subject.pid()).size() < 2) ::usleep(1000);
  }
  std::vector<std::unique_ptr<Collector>> collectors;
  for (const CollectorInfo& info : all_collectors()) {
    if (info.only_in != reports::RoundKind::kTracing) collectors.push_back(info.make({}));
  }
  for (const auto& collector : collectors) {
    collector->attach({.pid = subject.pid(), .counter_page = std::nullopt});
  }
  for (const auto& collector : collectors) collector->start();
  if (worker == Worker::kWhileSampling) subject.say();
  let_use_cpu(subject.pid(), cpu_ms);
  if (std::string(mode) == "crash") {
    subject.say();
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(subject.pid()), &info, WEXITED | WNOWAIT);
  }
  for (const auto& collector : collectors) collector->stop();
  Observation result;
  for (const auto& collector : collectors) {
    collector->collect(result.round);
    if (const auto seen = collector->capability(); seen.name == "sampler") result.sampler = seen;
  }
  return result;
}

/// Samples of a thread role whose stack satisfies `predicate`.
std::uint64_t samples_where(
    const reports::Round& round, const std::string& role,
    const std::function<bool(const std::vector<reports::Frame>&)>& predicate) {
  std::uint64_t sum = 0;
  for (const reports::SampleCount& sample : round.profile->samples) {
    if (round.threads.at(sample.thread).role != role) continue;
    std::vector<reports::Frame> stack;
    for (const std::uint32_t frame : round.profile->stacks.at(sample.stack)) {
      stack.push_back(round.profile->frames.at(frame));
    }
    if (predicate(stack)) sum += sample.count;
  }
  return sum;
}

std::uint64_t samples_of(const reports::Round& round, const std::string& role) {
  return samples_where(round, role, [](const auto&) { return true; });
}

auto contains_function(const std::string& name) {
  return [name](const std::vector<reports::Frame>& stack) {
    return std::ranges::any_of(stack, [&](const auto& frame) { return frame.function == name; });
  };
}

bool has_kernel_frame(const std::vector<reports::Frame>& stack) {
  return std::ranges::any_of(stack,
                             [](const auto& frame) { return frame.kind == FrameKind::kKernel; });
}

/// CPU time of the subject's workers by the scheduler's account.
double worker_cpu_ns(const reports::Round& round) {
  double sum = 0;
  for (const reports::Thread& thread : round.threads) {
    if (thread.role == "late-worker") sum += static_cast<double>(thread.cpu_ns);
  }
  return sum;
}

/// The same by the sampler's.
double sampled_worker_ns(const reports::Round& round) {
  return static_cast<double>(samples_of(round, "late-worker")) *
         static_cast<double>(round.profile->weight_ns);
}

/// Why sampling cannot be tested here; empty if it can.
std::string sampling_obstacle() {
  const EventChoice choice = choose_sampling_event({}, ::getpid());
  return choice.event ? "" : choice.detail;
}

TEST(CollectSampler, ALateThreadIsFoundAndItsSamplesAreInTheFunctionThatSpins) {
  if (const std::string why = sampling_obstacle(); !why.empty()) GTEST_SKIP() << why;
  const auto [round, capability] = observe("spin", 200);
  ASSERT_TRUE(round.profile);
  const std::uint64_t all = samples_of(round, "late-worker");
  const std::uint64_t spinning =
      samples_where(round, "late-worker", contains_function("collect_subject_spin"));
  EXPECT_GT(all, 30u) << "the worker had " << worker_cpu_ns(round) << " ns";
  EXPECT_GE(spinning * 10, all * 9) << spinning << " of " << all;
  EXPECT_EQ(round.profile->lost, 0u);
  EXPECT_GT(round.collector_cpu_ns, 0u);
  EXPECT_LT(static_cast<double>(round.collector_cpu_ns), worker_cpu_ns(round));
}

/// Sampled over scheduled CPU time of the workers, the median of five observations: one alone loses
/// timer ticks whenever the host or another test takes the CPU away. On one CPU, because an idle
/// virtual CPU serves its sampling timer late, and then in the thread that has just been woken.
/// Empty if only user code is sampled.
std::optional<double> median_sampled_share(const char* behaviour) {
  std::vector<double> ratios;
  for (int repeat = 0; repeat < 5; ++repeat) {
    const auto [round, capability] = observe(behaviour, 200, Worker::kBeforeOnOneCpu);
    if (!round.profile || !round.profile->kernel_frames) return std::nullopt;
    ratios.push_back(sampled_worker_ns(round) / worker_cpu_ns(round));
  }
  std::ranges::sort(ratios);
  return ratios[ratios.size() / 2];
}

TEST(CollectSampler, SamplesTimesWeightIsTheCpuTimeOfAThreadThatNeverSleeps) {
  if (const std::string why = sampling_obstacle(); !why.empty()) GTEST_SKIP() << why;
  const std::optional<double> ratio = median_sampled_share("spin");
  if (!ratio) GTEST_SKIP() << "only user code is sampled";
  EXPECT_NEAR(*ratio, 1.0, 0.2);
}

// Events that are re-armed at every context switch would show 0.6 here.
TEST(CollectSampler, SamplesTimesWeightIsTheCpuTimeOfThreadsThatSleepAtEveryStep) {
  if (const std::string why = sampling_obstacle(); !why.empty()) GTEST_SKIP() << why;
  const std::optional<double> ratio = median_sampled_share("ping_pong");
  if (!ratio) GTEST_SKIP() << "only user code is sampled";
  EXPECT_NEAR(*ratio, 1.0, 0.2);
}

TEST(CollectSampler, SlicesCoverTheMeasuredPhase) {
  if (const std::string why = sampling_obstacle(); !why.empty()) GTEST_SKIP() << why;
  const auto [round, capability] = observe("spin", 700);
  ASSERT_TRUE(round.profile);
  std::vector<std::uint64_t> per_slice;
  for (const reports::SampleCount& sample : round.profile->samples) {
    per_slice.resize(std::max<std::size_t>(per_slice.size(), sample.slice + 1));
    per_slice[sample.slice] += sample.count;
  }
  ASSERT_GE(per_slice.size(), 7u);
  const auto filled = std::ranges::count_if(per_slice, [](std::uint64_t n) { return n > 0; });
  EXPECT_GE(filled, 5);
  // No slice can hold more than the CPUs there are could have run; one thread spins.
  for (const std::uint64_t count : per_slice) EXPECT_LE(count, 110u);
}

TEST(CollectSampler, KernelCodeIsNamedAboveTheUserCodeThatCalledIt) {
  if (const std::string why = sampling_obstacle(); !why.empty()) GTEST_SKIP() << why;
  const auto [round, capability] = observe("read_zeros", 200);
  ASSERT_TRUE(round.profile);
  if (!round.profile->kernel_frames) GTEST_SKIP() << "kernel samples are refused to this user";
  const std::uint64_t all = samples_of(round, "late-worker");
  EXPECT_GT(all, 30u);
  EXPECT_GE(samples_where(round, "late-worker", has_kernel_frame) * 10, all * 8);
  if (capability.detail.find("kptr_restrict") != std::string::npos) {
    GTEST_SKIP() << "kernel.kptr_restrict hides kernel addresses";
  }
  EXPECT_GE(samples_where(round, "late-worker", contains_function("vfs_read")) * 10, all * 5);
  // The caller's caller: libc has no frame pointers, so the walk may lose read()'s direct caller.
  EXPECT_GE(
      samples_where(round, "late-worker",
                    [](const auto& stack) { return stack.back().kind != FrameKind::kKernel; }) *
          10,
      all * 8);
}

TEST(CollectSampler, TheStacksOfACrashedProcessStillResolve) {
  if (const std::string why = sampling_obstacle(); !why.empty()) GTEST_SKIP() << why;
  const auto [round, capability] = observe("crash", 100);
  ASSERT_TRUE(round.profile);
  const std::uint64_t all = samples_of(round, "late-worker");
  EXPECT_GT(all, 30u);
  EXPECT_GE(samples_where(round, "late-worker", contains_function("collect_subject_spin")) * 10,
            all * 9);
}

TEST(CollectSampler, AnEventThatIsNotThereIsReplacedAndSaid) {
  if (const std::string why = sampling_obstacle(); !why.empty()) GTEST_SKIP() << why;
  const auto [round, capability] = observe("spin", 50);
  EXPECT_EQ(round.profile->requested_event, "cycles");
  if (round.profile->event == "cycles") {
    EXPECT_EQ(capability.detail.find("cpu-clock"), std::string::npos);
  } else {
    EXPECT_EQ(round.profile->event, "cpu-clock");
    EXPECT_EQ(capability.state, CapabilityState::kDegraded);
    EXPECT_NE(capability.detail.find("cycles was asked for"), std::string::npos);
  }
}

/// What is wrong with what an ordinary user gets; empty if nothing.
std::string fault_as_ordinary_user() {
  const auto [round, capability] = observe("read_zeros", 200);
  const long paranoid = read_number("/proc/sys/kernel/perf_event_paranoid").value_or(3);
  if (!round.profile) {
    const bool said =
        capability.state == CapabilityState::kUnavailable && !capability.remedy.empty();
    return paranoid > 2 && said ? "" : "no profile: " + capability.detail;
  }
  if (round.profile->kernel_frames != (paranoid <= 1)) return "kernel_frames is wrong";
  if (paranoid <= 1) return "";
  if (capability.state != CapabilityState::kDegraded ||
      capability.remedy.find("sysctl kernel.perf_event_paranoid=1") == std::string::npos) {
    return "not said: " + capability.detail + " | " + capability.remedy;
  }
  for (const reports::Frame& frame : round.profile->frames) {
    if (frame.kind == FrameKind::kKernel) return "a kernel frame: " + frame.function;
  }
  // Reading zeros is nearly all kernel time: what can be sampled is the little around it.
  return sampled_worker_ns(round) < 0.9 * worker_cpu_ns(round) ? "" : "too many samples";
}

TEST(CollectSampler, AnOrdinaryUserGetsUserSamplesAndIsToldWhatIsMissing) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become another user";
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (::setgid(kNobody) != 0 || ::setuid(kNobody) != 0) ::_exit(2);
    const std::string fault = fault_as_ordinary_user();
    if (!fault.empty()) std::fprintf(stderr, "as an ordinary user: %s\n", fault.c_str());
    ::_exit(fault.empty() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status)) << status;
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

/// An opener that refuses as scripted and notes what was asked for.
class FakeOpener {
 public:
  using Script =
      std::function<int(const perf_event_attr&, EventPlace)>;  ///< errno, or 0 to let it open
  explicit FakeOpener(Script script) : script_(std::move(script)) {}
  Result<UniqueFd> operator()(const perf_event_attr& attributes, EventPlace place) const {
    const int error = script_(attributes, place);
    if (error != 0) return fail(error);
    return UniqueFd(::dup(STDERR_FILENO));
  }

 private:
  Script script_;
};

TEST(CollectEventChoice, WithEverythingAllowedTheEventAskedForIsTaken) {
  const auto choice =
      choose_sampling_event({}, 1, FakeOpener([](const auto&, EventPlace) { return 0; }));
  ASSERT_TRUE(choice.event);
  EXPECT_EQ(choice.event->name, "cycles");
  EXPECT_TRUE(choice.event->kernel_frames);
  EXPECT_EQ(choice.event->scope, EventScope::kCpus);
  EXPECT_EQ(choice.event->attributes.type, std::uint32_t{PERF_TYPE_HARDWARE});
  EXPECT_EQ(choice.event->attributes.sample_freq, 999u);
  EXPECT_EQ(choice.event->attributes.inherit, 0u);
}

TEST(CollectEventChoice, WhereWholeCpusAreRefusedThreadsAreSampled) {
  const auto choice =
      choose_sampling_event({}, 42, FakeOpener([](const perf_event_attr&, EventPlace place) {
                              if (place.cpu >= 0) return EACCES;
                              return place.tid == 42 ? 0 : EINVAL;
                            }));
  ASSERT_TRUE(choice.event);
  EXPECT_EQ(choice.event->scope, EventScope::kThreads);
  EXPECT_TRUE(choice.event->kernel_frames);
}

TEST(CollectEventChoice, WithoutCountersItIsCpuClock) {
  const auto choice =
      choose_sampling_event({}, 1, FakeOpener([](const perf_event_attr& attributes, EventPlace) {
                              return attributes.type == PERF_TYPE_HARDWARE ? ENOENT : 0;
                            }));
  ASSERT_TRUE(choice.event);
  EXPECT_EQ(choice.event->name, "cpu-clock");
  EXPECT_TRUE(choice.event->kernel_frames);
}

TEST(CollectEventChoice, WhereKernelSamplesAreRefusedUserSamplesRemain) {
  const auto choice =
      choose_sampling_event({}, 1, FakeOpener([](const perf_event_attr& attributes, EventPlace) {
                              if (!attributes.exclude_kernel) return EACCES;
                              return attributes.type == PERF_TYPE_HARDWARE ? ENOENT : 0;
                            }));
  ASSERT_TRUE(choice.event);
  EXPECT_EQ(choice.event->name, "cpu-clock");
  EXPECT_FALSE(choice.event->kernel_frames);
}

TEST(CollectEventChoice, AnUnknownEventNameFallsBack) {
  CollectorOptions options;
  options.event = "no-such-event";
  const auto choice =
      choose_sampling_event(options, 1, FakeOpener([](const auto&, EventPlace) { return 0; }));
  ASSERT_TRUE(choice.event);
  EXPECT_EQ(choice.event->name, "cpu-clock");
}

TEST(CollectEventChoice, RefusedAltogetherGivesReasonAndRemedy) {
  for (const int error : {EACCES, EPERM, ENOSYS}) {
    const auto choice = choose_sampling_event(
        {}, 1, FakeOpener([error](const auto&, EventPlace) { return error; }));
    EXPECT_FALSE(choice.event);
    EXPECT_NE(choice.detail.find(describe(Errno{error})), std::string::npos) << choice.detail;
    EXPECT_FALSE(choice.remedy.empty()) << choice.detail;
  }
}

}  // namespace
}  // namespace vfsprof::harness
