// `vfsprof profile`: programs that are not ours, and environments that allow less.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "harness/collect/process_tree.h"
#include "harness/experiment/profile_plan.h"
#include "harness/tests/command_fixture.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using reports::RoundKind;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

constexpr std::array kAllKinds{RoundKind::kProfiling, RoundKind::kTracing, RoundKind::kTiming};

TEST(ProfilePlan, EachBlockHasEveryKindOnceAndTheNextRunsThemInReverse) {
  std::vector<RoundKind> kinds;
  for (std::uint32_t i = 0; i < 6; ++i) {
    const Stretch stretch = plan_stretch(i, kAllKinds, 0s, 10s);
    EXPECT_EQ(stretch.block, i / 3);
    kinds.push_back(stretch.kind);
  }
  EXPECT_EQ(kinds, (std::vector{RoundKind::kProfiling, RoundKind::kTracing, RoundKind::kTiming,
                                RoundKind::kTiming, RoundKind::kTracing, RoundKind::kProfiling}));
}

TEST(ProfilePlan, ADurationHoldsBlocksEnoughForAnInterval) {
  Nanoseconds sum = 0s;
  std::uint32_t index = 0;
  for (; sum < 10s; ++index) sum += plan_stretch(index, kAllKinds, sum, 10s).length;
  EXPECT_GE(index / 3, 6u);
  EXPECT_LE(index / 3, 20u);
}

TEST(ProfilePlan, WhereChangingTakesLongThereAreFewerAndLongerStretches) {
  for (const Nanoseconds change : {Nanoseconds(10ms), Nanoseconds(100ms), Nanoseconds(250ms)}) {
    Nanoseconds elapsed = 0s, observed = 0s;
    std::uint32_t index = 0;
    for (; elapsed < 10s; ++index) {
      const Nanoseconds length = plan_stretch(index, kAllKinds, elapsed, 10s, change).length;
      observed += length;
      elapsed += length + change;
    }
    EXPECT_GE(index / 3, 6u) << change.count();
    EXPECT_LE(index / 3, 13u) << change.count();
    EXPECT_GE(observed, 5s) << change.count();
  }
  EXPECT_GE(plan_stretch(0, kAllKinds, 0s, 1s, 500ms).length, 50ms);  // not below the shortest
}

TEST(ProfilePlan, WithoutAnEndTheNumberOfRoundsStaysInTheHundreds) {
  Nanoseconds sum = 0s;
  std::uint32_t index = 0;
  for (; sum < 3600s; ++index) sum += plan_stretch(index, kAllKinds, sum, std::nullopt).length;
  EXPECT_LE(index, 1000u);
  EXPECT_LE(plan_stretch(0, kAllKinds, 0s, std::nullopt).length, 500ms);
}

TEST(ProcessTree, ReadsTheStateOfAProcessWhoseNameLooksLikeFields) {
  const auto state = parse_process_state(
      "42 (a) S 9) S 7 42 42 0 -1 4194560 100 200 0 0 5 6 3 4 20 0 1 0 8765 1 2 3");
  ASSERT_TRUE(state);
  EXPECT_EQ(state->state, 'S');
  EXPECT_EQ(state->parent, 7);
  EXPECT_FALSE(state->kernel_thread);
  EXPECT_EQ(state->started, 8765u);
  EXPECT_EQ(state->children_cpu_ns,
            7 * std::uint64_t{1'000'000'000} / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK)));
  EXPECT_TRUE(parse_process_state("2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 5")
                  ->kernel_thread);
  EXPECT_FALSE(parse_process_state("42 (cut) S 1 2"));
}

class ProfileCommand : public CommandTest {
 protected:
  ProfileCommand() { fs::permissions(work_.path(), fs::perms::all); }

  Json result() const { return Json::parse(read_text(path("out/profile.json"))); }
};

const Json* capability(const Json& result, const std::string& name) {
  for (const Json& entry : result["capabilities"]) {
    if (entry["name"] == name) return &entry;
  }
  return nullptr;
}

bool is_sampled(const Json& result) {
  const Json* const sampler = capability(result, "sampler");
  return sampler != nullptr && (*sampler)["state"] != "unavailable";
}

/// Samples with a frame in this module.
std::uint64_t samples_in(const Json& result, const std::string& module) {
  std::uint64_t sum = 0;
  for (const Json& round : result["rounds"]) {
    if (round["profile"].is_null()) continue;
    if (round["profile"].dump().find("\"" + module + "\"") == std::string::npos) continue;
    for (const Json& count : round["profile"]["samples"]["count"])
      sum += count.get<std::uint64_t>();
  }
  return sum;
}

std::uint64_t cpu_ns(const Json& result, const std::string& key) {
  std::uint64_t sum = 0;
  for (const Json& round : result["rounds"]) sum += round[key].get<std::uint64_t>();
  return sum;
}

// Half a second of work for a shell.
constexpr const char* kSpin = "'while :; do :; done'";

TEST_F(ProfileCommand, NeverObservesItself) {
  const Outcome outcome = run("vfsprof profile --pid $$ --duration 1 --out out");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const Json found = result();
  for (const Json& round : found["rounds"]) {
    for (const Json& thread : round["threads"]) {
      EXPECT_FALSE(thread["name"].get<std::string>().starts_with("vfsprof")) << thread;
    }
  }
}

TEST_F(ProfileCommand, BadInputSaysWhatCannotBeObservedAndWhy) {
  const auto expect = [&](const std::string& command, const std::string& said) {
    const Outcome outcome = run("vfsprof profile --out out " + command);
    EXPECT_EQ(outcome.code, 2) << command << ": " << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr(said)) << command;
  };
  expect("--duration 1", "--pid PID");
  expect("--pid 1 -- true", "--pid PID");
  expect("--pid 4194304", "no such process");
  expect("-- nonexistent-program", "no such program");
  expect("--counters instrctions -- true", "instructions");
  expect("--rules absent.json -- true", "absent.json");
  if (const auto two = read_process_state(2); two && two->kernel_thread) {
    expect("--pid 2", "thread of the kernel");
  }
}

TEST_F(ProfileCommand, ACommandIsObservedToItsEndAndItsStatusIsReported) {
  const Outcome outcome = run(
      "vfsprof profile --out out -- sh -c 'i=0; while [ $i -lt 150000 ]; do i=$((i+1)); done; echo "
      "said; exit 3'");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("sh exited with code 3"));
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("said"), HasSubstr("# `sh`, observed")));
  const Json result = this->result();
  EXPECT_FALSE(result["partial"]);
  EXPECT_THAT(result["warnings"].dump(), HasSubstr("exited with code 3"));
  for (const Json& round : result["rounds"]) EXPECT_FALSE(round["counts_operations"]);
  if (!is_sampled(result)) GTEST_SKIP() << "no samples here: " << outcome.err;
  // /proc/PID/maps of so short a program is gone, or from before its exec: records say what it had.
  EXPECT_GT(samples_in(result, fs::canonical("/bin/sh").filename()), 10u) << result["capabilities"];
}

TEST_F(ProfileCommand, ChildrenThatAppearLaterAreFollowedUnlessLeftOut) {
  const std::string command = " -- sh -c 'sleep 0.2; sh -c \"while :; do :; done\" & wait'";
  ASSERT_EQ(run("vfsprof profile --duration 2 --out out" + command).code, 0);
  const Json followed = result();
  EXPECT_GT(cpu_ns(followed, "process_cpu_ns"), 50'000'000u);
  if (is_sampled(followed)) {
    EXPECT_GT(samples_in(followed, fs::canonical("/bin/sh").filename()), 5u);
  }
  ASSERT_EQ(run("vfsprof profile --no-children --duration 2 --out out" + command).code, 0);
  EXPECT_LT(cpu_ns(result(), "process_cpu_ns"), cpu_ns(followed, "process_cpu_ns") / 3);
}

TEST_F(ProfileCommand, AnInterruptEndsAnOpenEndedSessionWithAWholeReportAndNothingIsLeftRunning) {
  const Outcome outcome =
      run(std::string("sh -c ") + kSpin +
          " & victim=$!; vfsprof profile --pid $victim --out out & p=$!; "
          "sleep 1.2; kill -INT $p; wait $p; code=$?; kill $victim; exit $code");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_FALSE(result()["partial"]);
  EXPECT_GE(result()["rounds"].size(), 2u);
}

TEST_F(ProfileCommand, AnInterruptEndsTheCommandTooAndThePartialResultIsValid) {
  const Outcome outcome = run(std::string("vfsprof profile --out out -- sh -c ") + kSpin +
                              " & p=$!; sleep 1; kill -TERM $p; wait $p");
  EXPECT_EQ(outcome.code, 128 + SIGTERM) << outcome.err;
  EXPECT_TRUE(result()["partial"]);
  EXPECT_THAT(outcome.err, HasSubstr("still ran and was ended"));
  EXPECT_EQ(run("vfsprof report out/profile.json --format md").code, 0);
}

TEST_F(ProfileCommand, CountedEventsArePerThreadAndWhatIsMissingIsUnavailable) {
  const Outcome outcome = run(std::string("vfsprof profile --duration 2 --counters "
                                          "page-faults,instructions --out out -- sh -c ") +
                              kSpin);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  bool seen = false;
  const Json result = this->result();
  for (const Json& round : result["rounds"]) {
    if (round["kind"] != "counting") continue;
    seen = true;
    ASSERT_EQ(round["events"].size(), 2u);
    for (const Json& event : round["events"]) {
      const bool counted = event["unavailable"] == "";
      if (event["name"] == "instructions") {
        EXPECT_EQ(event["threads"].empty(), !counted);
      }
    }
  }
  EXPECT_TRUE(seen);
  EXPECT_THAT(outcome.out, HasSubstr("## Counted events, per second"));
}

/// An environment that allows less, as a prefix of a command, and what it takes away.
struct Environment {
  const char* name;
  const char* prefix;
  std::vector<const char*> missing;  ///< capabilities that must not be "available"
};

const std::vector<Environment>& environments() {
  static const std::vector<Environment> all{
      {"root", "", {}},
      {"ordinary_user_paranoid_2",
       "unshare -m sh -c 'echo 2 >two; mount --bind two /proc/sys/kernel/perf_event_paranoid; exec "
       "restricted user \"$@\"' sh",
       {"sampler"}},
      {"ordinary_user_paranoid_3",
       "unshare -m sh -c 'echo 3 >three; mount --bind three /proc/sys/kernel/perf_event_paranoid; "
       "exec restricted user,perf \"$@\"' sh",
       {"sampler"}},
      {"kptr_restrict_2",
       "unshare -m sh -c 'sed \"s/^[0-9a-f]*/0000000000000000/\" /proc/kallsyms >zeros; echo 2 "
       ">two; "
       "mount --bind zeros /proc/kallsyms; mount --bind two /proc/sys/kernel/kptr_restrict; exec "
       "\"$@\"' sh",
       {"sampler"}},
      {"no_bpf", "restricted bpf", {}},
      {"no_tracefs",
       "unshare -m sh -c 'umount -l /sys/kernel/tracing /sys/kernel/debug 2>/dev/null; mount -t "
       "tmpfs tmpfs /sys/kernel; exec \"$@\"' sh",
       {"counted events"}},
      {"seccomp_without_perf", "restricted perf", {"sampler", "counted events"}},
  };
  return all;
}

class ProfileEnvironment : public ProfileCommand,
                           public ::testing::WithParamInterface<std::size_t> {};

TEST_P(ProfileEnvironment, GivesAReportACapabilityTableAndExitCodeZero) {
  const Environment& environment = environments()[GetParam()];
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to take away what root has";
  const std::string prefix = environment.prefix;
  if (prefix.contains("unshare") && run("unshare -m true").code != 0) {
    GTEST_SKIP() << "unshare -m is not permitted here";
  }
  if (prefix.contains(" user") && run("restricted user vfsprof --version").code != 0) {
    GTEST_SKIP() << "an ordinary user cannot reach the programs under test";
  }
  const Outcome outcome =
      run(prefix +
          " vfsprof profile --duration 0.8 --counters page-faults,sched:sched_switch "
          "--out out -- sh -c " +
          kSpin);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const Json result = this->result();
  EXPECT_GT(cpu_ns(result, "process_cpu_ns"), 0u);
  for (const char* name : environment.missing) {
    const Json* const entry = capability(result, name);
    ASSERT_NE(entry, nullptr) << name;
    EXPECT_NE((*entry)["state"], "available") << entry->dump();
  }
  if (environment.name == std::string("no_bpf") && fs::exists("/sys/kernel/tracing/events")) {
    const Json* const waits = capability(result, "waits");
    ASSERT_NE(waits, nullptr);
    EXPECT_EQ((*waits)["state"], "degraded") << waits->dump();
    EXPECT_THAT(waits->dump(), HasSubstr("futex calls through perf events on tracepoints"));
  }
  for (const Json& entry : result["capabilities"]) {
    if (entry["state"] == "available") continue;
    EXPECT_NE(entry["detail"], "") << entry.dump();
    EXPECT_THAT(outcome.out, HasSubstr("| " + entry["name"].get<std::string>())) << entry.dump();
  }
  for (const Json& round : result["rounds"]) {
    // A profiling round has samples, or says why not.
    if (round["kind"] == "profiling") {
      EXPECT_EQ(round["profile"].is_null(), !is_sampled(result));
    }
    for (const Json& event : round["events"]) {
      if (event["unavailable"] == "") continue;
      EXPECT_THAT(outcome.out,
                  HasSubstr(event["name"].get<std::string>() + " of `sh`: unavailable, because"));
    }
  }
  const Outcome doctor = run(prefix + " vfsprof doctor --json");
  EXPECT_TRUE(doctor.code == 0 || doctor.code == 3) << doctor.err;
  for (const Json& entry : Json::parse(doctor.out)["capabilities"]) {
    EXPECT_NE(entry["detail"], "") << entry.dump();
  }
}

INSTANTIATE_TEST_SUITE_P(Every, ProfileEnvironment,
                         ::testing::Range(std::size_t{0}, environments().size()),
                         [](const auto& tested) { return environments()[tested.param].name; });

class RunAsOrdinaryUser : public ProfileCommand,
                          public ::testing::WithParamInterface<const char*> {};

TEST_P(RunAsOrdinaryUser, TheDaemonsOwnCountersStandInForFutexCallsAndTheReportSaysSo) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to take away what root has";
  if (run("unshare -m true").code != 0) GTEST_SKIP() << "unshare -m is not permitted here";
  if (run("restricted user vfsprof --version").code != 0) {
    GTEST_SKIP() << "an ordinary user cannot reach the programs under test";
  }
  if (!fs::exists("/dev/fuse") ||
      run("[ -u \"$(command -v fusermount3)\" ] && mknod fuse c 10 229 && chmod 666 fuse").code !=
          0) {
    GTEST_SKIP() << "an ordinary user cannot mount here";
  }
  const std::string level = GetParam();
  const std::string rights = level == "2" ? "user" : "user,perf";  // what level 3 would refuse
  const Outcome outcome =
      run("unshare -m sh -c 'echo " + level +
          " >level; mount --bind level /proc/sys/kernel/perf_event_paranoid; mount --bind fuse "
          "/dev/fuse; exec restricted " +
          rights +
          " \"$@\"' sh vfsprof run --scenario dirty-overwrite --variant mutex-pool --scale 0.05 "
          "--rounds 1 --profile-rounds 1 --trace-rounds 1 --no-floor --out out");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const Json result = Json::parse(read_text(path("out/run.json")));
  std::uint64_t waits = 0;
  for (const Json& round : result["rounds"]) {
    if (round["kind"] != "tracing") continue;
    ASSERT_FALSE(round["waits"].is_null());
    EXPECT_EQ(round["waits"]["futexes"]["source"], "counters of the daemon");
    EXPECT_FALSE(round["waits"]["futexes"]["call_sites"]);
    for (const Json& calls : round["waits"]["futexes"]["calls"]) {
      waits += calls["calls"].get<std::uint64_t>();
    }
  }
  // Each of the 2000 writes goes through three threads.
  EXPECT_GT(waits, 2000u);
  const Json* const entry = capability(result, "waits");
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ((*entry)["state"], "degraded");
  EXPECT_THAT((*entry)["detail"].get<std::string>(),
              AllOf(HasSubstr("the daemon counted its own waits"), HasSubstr("tracepoints")));
  EXPECT_NE((*entry)["remedy"], "");
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("counters of the daemon"), HasSubstr("| waits")));
}

INSTANTIATE_TEST_SUITE_P(Paranoid, RunAsOrdinaryUser, ::testing::Values("2", "3"),
                         [](const auto& tested) { return std::string("Level") + tested.param; });

}  // namespace
}  // namespace vfsprof::harness
