// What the ledgers of waits recommend: locks that threads sleep at without taking CPU time, calls
// in vain; and what they must not recommend.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>
#include <random>
#include <regex>

#include "reports/analyze/report.h"
#include "reports/analyze/statistics.h"
#include "reports/analyze/wait_opportunities.h"
#include "reports/lint/linter.h"
#include "reports/tests/hostile.h"
#include "reports/tests/synthetic.h"
#include "reports/write/registry.h"

namespace vfsprof::reports {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::uint32_t kWorker = 0, kSession = 1;  // threads as make_round adds them
constexpr std::uint64_t kSecond = 1'000'000'000;

/// One futex word at which `kWorker` sleeps for `blocked_ns` of a second, in two tracing rounds.
struct Slept {
  std::string word = "pool.mutex";
  WordPurpose purpose = WordPurpose::kLock;
  std::uint64_t blocked_ns = 600'000'000;
  std::uint64_t count = 1000;
  std::vector<Frame> stack{synthetic::user("__lll_lock_wait"),
                           synthetic::user("pthread_mutex_lock"), synthetic::user("look_up"),
                           synthetic::user("serve")};
};

FutexCalls calls_of(std::uint32_t thread, const std::string& operation, std::uint64_t count) {
  return {.thread = thread,
          .stack = 0,
          .word = 0,
          .operation = operation,
          .calls = count,
          .wait_time = {}};
}

Waits ledger(const Slept& slept) {
  Waits waits;
  waits.frames = slept.stack;
  waits.stacks.emplace_back();
  for (std::uint32_t i = 0; i < slept.stack.size(); ++i) waits.stacks[0].push_back(i);
  waits.futexes.source = waits.wall_clock.source = "bpf";
  waits.futexes.words = {{0x1000, slept.word, slept.purpose}};
  FutexCalls sleeps = calls_of(kWorker, "WAIT", slept.count);
  sleeps.woken = slept.count;
  sleeps.wait_ns = slept.blocked_ns;
  const std::uint64_t mean_ns = slept.count == 0 ? 1 : slept.blocked_ns / slept.count;
  sleeps.wait_time.assign(std::bit_width(mean_ns), 0);
  sleeps.wait_time.back() = slept.count;
  FutexCalls wakes = calls_of(kSession, "WAKE", slept.count);
  wakes.threads_woken = slept.count;
  wakes.cpu_ns = slept.count * 1000;
  waits.futexes.calls = {sleeps, wakes};
  for (const std::uint32_t thread : {kWorker, kSession}) {
    waits.wall_clock.threads.push_back({.thread = thread, .elapsed_ns = kSecond});
  }
  waits.wall_clock.threads[0].on_cpu_ns = kSecond - slept.blocked_ns;
  waits.wall_clock.threads[1].on_cpu_ns = kSecond;
  waits.wall_clock.blocked.push_back({.thread = kWorker,
                                      .reason = BlockReason::kFutex,
                                      .word = 0,
                                      .stack = 0,
                                      .waker = "mount_vfs",
                                      .count = slept.count,
                                      .blocked_ns = slept.blocked_ns,
                                      .blocked_time = sleeps.wait_time});
  return waits;
}

RunResult traced(const Waits& waits, const std::string& variant = "mutex-pool") {
  RunResult result = synthetic::make_result({variant});
  for (std::uint32_t block = 0; block < 2; ++block) {
    Round round = synthetic::make_round({.block = block, .kind = RoundKind::kTracing});
    round.waits = waits;
    result.rounds.push_back(round);
  }
  return result;
}

RunResult foreign(const Waits& waits) {
  RunResult result = traced(waits);
  result.arms[0].axes.clear();
  return result;
}

WaitsFound found_in(const RunResult& result) {
  return build_report(result, default_rules()).opportunities.at(0).waits;
}

TEST(WaitOpportunities, ALockThatCostsOnlyWaitingIsFound) {
  const WaitsFound found = found_in(traced(ledger({})));
  ASSERT_EQ(found.listed.size(), 1U);
  const WaitOpportunity& lock = found.listed[0];
  EXPECT_EQ(lock.id, "pool-lock-wait");
  EXPECT_EQ(lock.word, "pool.mutex");
  EXPECT_EQ(lock.variant, "mutex-pool,pool=sharded");
  ASSERT_EQ(lock.parts.size(), 1U);
  EXPECT_EQ(lock.parts[0].role, "vfs-io-worker");
  EXPECT_DOUBLE_EQ(lock.share, 0.6);
  EXPECT_EQ(lock.calls, 2000U);
  EXPECT_DOUBLE_EQ(lock.per_unit_ns, 600'000);  // 1.2 s over 2000 operations
  ASSERT_EQ(lock.waiting.size(), 1U);
  EXPECT_EQ(lock.waiting[0].site, "look_up");
  ASSERT_EQ(lock.waking.size(), 1U);
  EXPECT_EQ(lock.waking[0].role, "mount_vfs");
  EXPECT_THAT(lock.problem, HasSubstr("`look_up` of `vfs-io-worker`"));
  EXPECT_THAT(lock.problem, HasSubstr("60.00 % of the time at work of `vfs-io-worker`"));
  EXPECT_THAT(lock.problem, Not(HasSubstr("{")));
  EXPECT_LE(lock.share_interval.low, 0.6);
  EXPECT_GE(lock.share_interval.high, 0.6);
  EXPECT_DOUBLE_EQ(lock.impact.low, 0.5 * lock.share_interval.low);
  EXPECT_DOUBLE_EQ(lock.impact.high, lock.share_interval.high);
}

TEST(WaitOpportunities, AForeignLockWithoutANameIsKnownByItsCaller) {
  Slept slept;
  slept.word.clear();
  slept.purpose = WordPurpose::kOther;
  const WaitsFound found = found_in(foreign(ledger(slept)));
  ASSERT_EQ(found.listed.size(), 1U);
  EXPECT_EQ(found.listed[0].id, "lock-wait");
  EXPECT_EQ(found.listed[0].word, "look_up <-> look_up");
  EXPECT_TRUE(found.listed[0].changes.empty());
  // Waiting for work is no fault, whatever it takes.
  slept.stack[1] = synthetic::user("pthread_cond_wait");
  EXPECT_TRUE(found_in(foreign(ledger(slept))).listed.empty());
}

TEST(WaitOpportunities, NoMoreIsPromisedThanTheCpusHaveLeft) {
  RunResult result = traced(ledger({}));
  for (Round& round : result.rounds) round.process_cpu_ns = 890'000'000;  // and 5 ms of clients
  const WaitsFound left = found_in(result);
  ASSERT_EQ(left.listed.size(), 1U);
  EXPECT_NEAR(left.listed[0].impact.low, 0.105, 1e-9);
  EXPECT_THAT(left.listed[0].derivation, HasSubstr("no more than the rest, 10.50 %"));
  for (Round& round : result.rounds) round.process_cpu_ns = 990'000'000;
  const WaitsFound none = found_in(result);
  EXPECT_TRUE(none.listed.empty());
  ASSERT_EQ(none.unlisted.size(), 1U);
  EXPECT_EQ(none.unlisted[0].id, "pool-lock-wait");
  result.placement = "free";  // two CPUs
  EXPECT_EQ(found_in(result).listed.size(), 1U);
}

TEST(WaitOpportunities, TimeWaitedForWorkIsNoTimeAtWork) {
  Slept slept{.blocked_ns = 40'000'000};
  Waits waits = ledger(slept);
  EXPECT_TRUE(found_in(traced(waits)).listed.empty());
  waits.wall_clock.blocked.push_back({.thread = kWorker,
                                      .reason = BlockReason::kFuseRead,
                                      .stack = 0,
                                      .waker = "client",
                                      .count = 5,
                                      .blocked_ns = 700'000'000,
                                      .blocked_time = {5}});
  const WaitsFound found = found_in(traced(waits));
  ASSERT_EQ(found.listed.size(), 1U);
  EXPECT_NEAR(found.listed[0].share, 40.0 / 300, 1e-9);
}

TEST(WaitOpportunities, AThreadThatHardlyEverWorksConcernsNobody) {
  Slept slept{.blocked_ns = 9'000'000, .count = 100};
  Waits waits = ledger(slept);
  waits.wall_clock.threads[0].elapsed_ns = 10'000'000;
  EXPECT_TRUE(found_in(traced(waits)).listed.empty());
}

TEST(WaitOpportunities, AFewWaitsMayBeChance) {
  Slept slept{.blocked_ns = 100'000'000, .count = 1};
  Waits waits = ledger(slept);
  for (BlockedTime& entry : waits.wall_clock.blocked) {
    entry.blocked_time.assign(27, 0);
    entry.blocked_time[26] = 1;  // 67 to 134 ms
  }
  const WaitsFound found = found_in(traced(waits));
  EXPECT_TRUE(found.listed.empty());
  EXPECT_EQ(found.unlisted.size(), 1U);
}

/// Wakes of which nine of ten wake nobody, and take `cpu_ns` each.
Waits useless_wakes(std::uint64_t cpu_ns) {
  Waits waits = ledger({.word = "", .blocked_ns = 0, .count = 0});
  FutexCalls& wakes = waits.futexes.calls[1];
  wakes.calls = 10'000;
  wakes.threads_woken = 1'000;
  wakes.useless = 9'000;
  wakes.cpu_ns = 10'000 * cpu_ns;
  waits.wall_clock.blocked.clear();
  return waits;
}

TEST(WaitOpportunities, WakesThatWakeNobodyAreFoundWhereTheyCost) {
  const WaitsFound found = found_in(foreign(useless_wakes(1000)));
  ASSERT_EQ(found.listed.size(), 1U);
  const WaitOpportunity& wakes = found.listed[0];
  EXPECT_EQ(wakes.id, "useless-wakes");
  EXPECT_THAT(wakes.problem, HasSubstr("18,000 of 20,000 (90 %)"));
  EXPECT_NEAR(wakes.share, 9.0 / 40, 1e-9);  // 9 of the 40 ms of a round
  // Those that wake take more: at most ten times as much.
  EXPECT_NEAR(wakes.impact.low, 0.8 * wakes.share_interval.low / (0.9 + 0.1 * 10), 1e-9);
  EXPECT_TRUE(found_in(foreign(useless_wakes(100))).listed.empty());  // 2 %
}

TEST(WaitOpportunities, SleepsThatFailAreFound) {
  Waits waits = useless_wakes(1);
  FutexCalls& sleeps = waits.futexes.calls[0];
  sleeps.calls = sleeps.again = 10'000;
  sleeps.cpu_ns = 8'000'000;
  sleeps.wait_time = {10'000};
  const WaitsFound found = found_in(foreign(waits));
  ASSERT_EQ(found.listed.size(), 1U);
  EXPECT_EQ(found.listed[0].id, "failed-sleeps");
  EXPECT_DOUBLE_EQ(found.listed[0].share, 0.2);
  // All calls failed: nothing dearer is mixed with them.
  EXPECT_DOUBLE_EQ(found.listed[0].impact.low, 0.8 * found.listed[0].share_interval.low);
}

TEST(WaitOpportunities, AWordBelongsToTheFirstRuleThatLooksAtIt) {
  const WaitsFound found = found_in(traced(ledger({}), "rwlock-pool"));
  ASSERT_EQ(found.listed.size(), 1U);
  EXPECT_EQ(found.listed[0].id, "pool-lock-wait");
  const WaitsFound other = found_in(traced(ledger({.word = "namespace.mutex"})));
  ASSERT_EQ(other.listed.size(), 1U);
  EXPECT_EQ(other.listed[0].id, "lock-wait");
}

TEST(WaitOpportunities, WhatWasNotObservedIsSaid) {
  EXPECT_THAT(found_in(synthetic::make_comparison(6, 0.9)).missing, HasSubstr("waiting at all"));
  Waits waits = ledger({});
  waits.wall_clock = {};
  waits.futexes.results = false;
  const WaitsFound found = found_in(traced(waits));
  EXPECT_TRUE(found.listed.empty());
  EXPECT_THAT(found.missing, HasSubstr("wall clock of threads was not observed; calls in vain"));
}

TEST(WaitOpportunities, AreNeverCompoundedWithCpuTime) {
  RunResult result = synthetic::make_comparison(6, 0.9);
  const auto without = build_report(result, default_rules()).opportunities.at(0);
  Round round = synthetic::make_round({.kind = RoundKind::kTracing});
  round.waits = ledger({});
  result.rounds.push_back(round);
  const auto with = build_report(result, default_rules()).opportunities.at(0);
  EXPECT_EQ(with.waits.listed.size(), 1U);
  EXPECT_EQ(with.combined, without.combined);
  EXPECT_EQ(with.listed.size(), without.listed.size());
}

TEST(WaitOpportunities, ReportsShowThemAndAreClean) {
  const RunResult result = traced(ledger({}));
  const Report report = build_report(result, default_rules());
  const std::string text = render(report, "md");
  for (const char* part :
       {"## Waiting worth ending in `mutex-pool`", "Waiting 1: Split the lock", "look_up",
        "less time at work of `vfs-io-worker`", "they are in no combined potential",
        "--variant mutex-pool --variant mutex-pool,pool=sharded", "Waiting worth ending: "}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  for (const LintFinding& finding : lint_markdown(text)) {
    ADD_FAILURE() << finding.line << ": " << finding.rule << ": " << finding.message;
  }
  for (const LintFinding& finding : lint_report_json(render(report, "json"), "report.json")) {
    ADD_FAILURE() << finding.rule << ": " << finding.message;
  }
}

TEST(WaitOpportunities, NoNameBreaksTheReport) {
  for (const std::string& name : synthetic::hostile_names()) {
    SCOPED_TRACE(name.substr(0, 60));
    Slept slept{.word = name};
    slept.stack[2] = synthetic::user(name);
    RunResult result = traced(ledger(slept), name);
    for (Round& round : result.rounds) round.threads[0].role = name;
    const Report report = build_report(result, default_rules());
    ASSERT_EQ(report.opportunities.at(0).waits.listed.size(), 1U);
    EXPECT_TRUE(nlohmann::json::accept(render(report, "json")));
    const std::string text = render(report, "md");
    EXPECT_LT(text.size(), 65'000U);
    const std::string outside = std::regex_replace(text, std::regex("`[^`\n]*`"), "");
    EXPECT_THAT(outside, Not(HasSubstr("<script")));
    EXPECT_THAT(text, Not(HasSubstr("\n# heading")));
  }
}

/// Rounds of pieces whose number and size are left to chance, and rounds that differ.
TEST(PartInterval, HoldsTheTruthOftenEnough) {
  std::mt19937_64 random(19);
  for (const std::size_t rounds : {1U, 2U, 3U, 8U}) {
    for (const double between : {0.0, 0.15}) {
      if (rounds == 1 && between > 0) continue;  // nothing in one round says how others differ
      std::size_t held = 0;
      constexpr std::size_t kRuns = 1500;
      for (std::size_t run = 0; run < kRuns; ++run) {
        std::vector<RoundPart> parts(rounds);
        for (RoundPart& part : parts) {
          part.whole = 1000;
          const double rate = std::max(0.1, 1 + between * std::normal_distribution<>()(random));
          const int pieces = std::poisson_distribution<>(150 * rate)(random);
          for (int i = 0; i < pieces; ++i) {
            const double size = std::exponential_distribution<>(0.5)(random);
            part.part += size;
            part.squares += size * size;
          }
        }
        const Interval interval = part_interval(parts).value();
        held += interval.low <= 0.3 && 0.3 <= interval.high ? 1 : 0;
      }
      const double share = static_cast<double>(held) / static_cast<double>(kRuns);
      EXPECT_GE(share, 0.93) << rounds << " rounds, " << between;
    }
  }
}

TEST(PartInterval, IsOfAPartOfTheWhole) {
  EXPECT_FALSE(part_interval({}));
  const std::vector<RoundPart> whole{{1, 1, 1}}, none{{0, 1, 0}}, absent{{0, 0, 0}};
  EXPECT_EQ(part_interval(whole)->high, 1);
  EXPECT_EQ(part_interval(none), (Interval{0, 0}));
  EXPECT_FALSE(part_interval(absent));
}

}  // namespace
}  // namespace vfsprof::reports
