// Where a regression comes from: results whose cause is known.

#include <gtest/gtest.h>

#include "reports/gate/counted_work.h"
#include "reports/gate/explain_regression.h"
#include "reports/rules/rule_set.h"
#include "reports/tests/gate_results.h"
#include "reports/tests/synthetic.h"

namespace vfsprof::reports {
namespace {

using synthetic::Costs;
using synthetic::kernel;
using synthetic::make_round;
using synthetic::StackSamples;
using synthetic::user;

constexpr std::uint32_t kRounds = 4;
constexpr std::uint32_t kCandidate = 1, kControl = 2;
constexpr std::uint64_t kOperations = 100'000;  // so that a sample of 1 ms is 10 ns per operation

/// Samples of one round of each arm, beyond what all arms have.
struct Extra {
  std::vector<StackSamples> candidate = {};
  std::vector<StackSamples> control = {};
};

std::vector<StackSamples> wake_samples(std::uint64_t count) {
  return {{"mount_vfs",
           {kernel("try_to_wake_up"), kernel("futex_wake"), kernel("do_futex"),
            kernel("__x64_sys_futex")},
           count}};
}
std::vector<StackSamples> write_path_samples(std::uint64_t count) {
  return {{"mount_vfs", {user("vfsprof::vfs::CachedContents::write")}, count}};
}

/// Adds profiling rounds: all arms alike but for what is extra, with a scatter of 1 % between
/// rounds.
void add_profiles(RunResult& result, const Extra& extra) {
  for (std::uint32_t block = 0; block < kRounds; ++block) {
    for (std::uint32_t arm = 0; arm < 3; ++arm) {
      Round round = make_round(
          {.arm = arm, .block = block, .kind = RoundKind::kProfiling, .operations = kOperations});
      std::vector<StackSamples> samples = synthetic::hand_off_samples(20);
      for (StackSamples& each : samples) each.count += (block + arm) % 2;
      const auto& more = arm == kCandidate ? extra.candidate : extra.control;
      if (arm != 0) samples.insert(samples.end(), more.begin(), more.end());
      synthetic::add_profile(round, samples);
      result.rounds.push_back(std::move(round));
    }
  }
}

/// Futex calls of a thread role in a tracing round.
struct Calls {
  std::string role;
  std::string operation;
  std::uint64_t per_operation;
};

void add_traced(RunResult& result, std::uint32_t arm, const std::vector<Calls>& calls,
                std::uint32_t rounds = kRounds) {
  for (std::uint32_t block = 0; block < rounds; ++block) {
    Round round = make_round({.arm = arm, .block = block, .kind = RoundKind::kTracing});
    Waits waits;
    waits.futexes.source = waits.wall_clock.source = "bpf";
    for (const Calls& each : calls) {
      for (std::uint32_t i = 0; i < round.threads.size(); ++i) {
        if (round.threads[i].role != each.role) continue;
        FutexCalls entry;
        entry.thread = i;
        entry.operation = each.operation;
        entry.calls = each.per_operation * 1000;
        waits.futexes.calls.push_back(entry);
      }
    }
    round.waits = std::move(waits);
    result.rounds.push_back(std::move(round));
  }
}

GateScenario judged(const RunResult& result) {
  return judge_interleaved(synthetic::make_policy(result.scenario.name), result, default_rules());
}

Attribution explained(const RunResult& result) {
  return explain_regression(result, judged(result), default_rules());
}

std::string first(const Attribution& found) {
  return found.cells.empty() ? found.absent
                             : found.cells.front().role + "/" + found.cells.front().id;
}

CategoryChange cell_change(const std::string& id, double ns, double low, double high) {
  CategoryChange change;
  change.role = "worker";
  change.id = id;
  change.cost_difference_ns = {ns, Interval{low, high}};
  change.verdict = ns > 0 ? CellVerdict::kWorse : CellVerdict::kBetter;
  return change;
}

TEST(Attribution, RanksByWhatSurelyMovedBeyondChance) {
  const std::vector<CategoryChange> changes{
      cell_change("wide", 900, 100, 1700), cell_change("noisy", 800, 700, 900),
      cell_change("sure", 300, 250, 350), cell_change("cheaper", -500, -600, -400)};
  const std::vector<CategoryChange> control{cell_change("noisy", -650, -700, -600),
                                            cell_change("sure", 10, -40, 60)};
  const Attribution found = rank_cells({.changes = changes, .control = control});
  ASSERT_EQ(found.cells.size(), 4U);
  EXPECT_EQ(found.cells[0].id, "cheaper");
  EXPECT_EQ(found.cells[0].certain_ns, 400);
  EXPECT_EQ(found.cells[1].id, "sure");
  EXPECT_EQ(found.cells[1].certain_ns, 240);
  EXPECT_EQ(found.cells[2].id, "wide");
  EXPECT_EQ(found.cells[3].id, "noisy");
  EXPECT_EQ(found.cells[3].certain_ns, 50);
  EXPECT_EQ(found.change_ns, 1500);
  EXPECT_EQ(found.unexplained_ns, 0);
}

TEST(Explanation, TimeAloneNamesTheCellThatGrew) {
  RunResult result = synthetic::make_turns({.cpu_ns = 60'000});
  add_profiles(result, {.candidate = write_path_samples(200)});
  const Attribution found = explained(result);
  EXPECT_EQ(first(found), "mount_vfs/write-path");
  EXPECT_GT(found.cells.front().certain_ns, 1'500);
  EXPECT_EQ(found.cells.front().counted, "");
}

TEST(Explanation, WhatWasCountedComesBeforeDearerConsequences) {
  RunResult result = synthetic::make_turns({.wakes = 4});
  std::vector<StackSamples> more = wake_samples(60);
  for (StackSamples& each : write_path_samples(110)) more.push_back(each);
  add_profiles(result, {.candidate = more});
  for (const std::uint32_t arm : {0U, kControl}) {
    add_traced(result, arm, {{"mount_vfs", "WAKE", 1}, {"vfs-io-worker", "WAIT", 1}});
  }
  add_traced(result, kCandidate, {{"mount_vfs", "WAKE", 2}, {"vfs-io-worker", "WAIT", 2}});
  const Attribution found = explained(result);
  EXPECT_EQ(first(found), "mount_vfs/futex-wake");
  EXPECT_NE(found.cells.front().counted.find("futex wakes 1.00 -> 2.00"), std::string::npos)
      << found.cells.front().counted;
  ASSERT_GE(found.cells.size(), 2U);
  EXPECT_EQ(found.cells[1].id, "write-path");
  for (const MovedCell& cell : found.cells) EXPECT_NE(cell.id, "futex-wait") << cell.counted;
}

TEST(Explanation, ACountIsNoExcuseForWhatIsFarDearer) {
  RunResult result = synthetic::make_turns({.cpu_ns = 80'000, .wakes = 4});
  std::vector<StackSamples> more = wake_samples(20);
  for (StackSamples& each : write_path_samples(900)) more.push_back(each);
  add_profiles(result, {.candidate = more});
  const Attribution found = explained(result);
  EXPECT_EQ(first(found), "mount_vfs/write-path");
  EXPECT_EQ(found.cells[1].id, "futex-wake");
  EXPECT_NE(found.cells[1].counted, "");
}

TEST(Explanation, ACountThatNoSampleShowsIsNamedAllTheSame) {
  RunResult result = synthetic::make_turns({.wakes = 4});
  Policy policy = synthetic::make_policy(result.scenario.name);
  policy.metrics.push_back(synthetic::judged_metric("bytes_zeroed"));
  for (Round& round : result.rounds) {
    round.counters.push_back({"bytes_zeroed", "bytes", round.arm == kCandidate ? 4096U : 0U});
    round.counters[3].value = 3000;  // wakes: equal
  }
  add_profiles(result, {});
  const GateScenario scenario = judge_interleaved(policy, result, default_rules());
  const Attribution found = explain_regression(result, scenario, default_rules());
  ASSERT_FALSE(found.cells.empty()) << found.absent;
  // The document's hand-off keeps the workers busiest; page faults are where zeroed pages show.
  EXPECT_EQ(found.cells.front().role, "vfs-io-worker");
  EXPECT_EQ(found.cells.front().id, "page-faults");
  EXPECT_NE(found.cells.front().counted.find("bytes zero-filled"), std::string::npos);
}

TEST(Explanation, NeedsProfilesOfBothArms) {
  const Attribution found = explained(synthetic::make_turns({.wakes = 4}));
  EXPECT_TRUE(found.cells.empty());
  EXPECT_NE(found.absent, "");
}

TEST(Explanation, WithoutSamplesTheCountsByThreadSpeak) {
  RunResult result = synthetic::make_turns({.wakes = 4});
  add_traced(result, 0, {{"mount_vfs", "WAKE", 1}});
  add_traced(result, kControl, {{"mount_vfs", "WAKE", 1}});
  add_traced(result, kCandidate, {{"mount_vfs", "WAKE", 2}});
  const Attribution found = explained(result);
  EXPECT_NE(found.absent, "");
  ASSERT_EQ(found.cells.size(), 1U);
  EXPECT_EQ(first(found), "mount_vfs/futex-wake");
  // The daemon's counter and the ledger say it both.
  EXPECT_NE(found.cells[0].counted.find("thread wake-ups by hand-off 3.00 -> 4.00"),
            std::string::npos)
      << found.cells[0].counted;
  EXPECT_NE(found.cells[0].counted.find("futex wakes 1.00 -> 2.00"), std::string::npos);
}

TEST(CountedWork, IsWhatGrewInEveryRoundBeyondTheControl) {
  const auto found = [](std::uint64_t control, std::uint64_t candidate, std::uint32_t rounds) {
    RunResult result = synthetic::make_turns({.cpu_ns = 60'000});
    add_traced(result, 0, {{"mount_vfs", "WAKE", 1}}, rounds);
    add_traced(result, kControl, {{"mount_vfs", "WAKE", control}}, rounds);
    add_traced(result, kCandidate, {{"mount_vfs", "WAKE", candidate}}, rounds);
    return counted_increases(result, judged(result)).size();
  };
  EXPECT_EQ(found(1, 2, kRounds), 1U);
  EXPECT_EQ(found(1, 1, kRounds), 0U);
  EXPECT_EQ(found(2, 2, kRounds), 0U);  // equal arms do the same
  EXPECT_EQ(found(1, 2, kLeastCountedRounds), 1U);
  EXPECT_EQ(found(1, 2, kLeastCountedRounds - 1), 0U);
}

TEST(CountedWork, WaitsCountWhereNoWakesGrew) {
  RunResult result = synthetic::make_turns({.cpu_ns = 60'000});
  add_traced(result, 0, {{"mount_vfs", "WAIT", 1}, {"mount_vfs", "WAKE", 1}});
  add_traced(result, kControl, {{"mount_vfs", "WAIT", 1}, {"mount_vfs", "WAKE", 1}});
  add_traced(result, kCandidate, {{"mount_vfs", "WAIT", 3}, {"mount_vfs", "WAKE", 1}});
  const auto found = counted_increases(result, judged(result));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].what, "futex waits");
  EXPECT_EQ(found[0].role, "mount_vfs");
  EXPECT_EQ(found[0].before, 1);
  EXPECT_EQ(found[0].after, 3);
}

TEST(CountedWork, KnowsSleepsAndPageFaultsByThread) {
  RunResult result = synthetic::make_turns({.cpu_ns = 60'000});
  for (std::uint32_t arm = 0; arm < 3; ++arm) {
    add_traced(result, arm, {});
    for (std::uint32_t block = 0; block < kRounds; ++block) {
      Round round = make_round({.arm = arm, .block = block, .kind = RoundKind::kCounting});
      const std::uint64_t faults = arm == kCandidate ? 4000 : 10;
      round.events.push_back(
          {.name = "page-faults", .unavailable = {}, .threads = {{1, faults, 1000, 1000}}});
      result.rounds.push_back(std::move(round));
    }
  }
  for (Round& round : result.rounds) {
    if (!round.waits || round.arm != kCandidate) continue;
    BlockedTime sleep;
    sleep.thread = 1;
    sleep.reason = BlockReason::kSleep;
    sleep.count = 1000;
    round.waits->wall_clock.blocked.push_back(sleep);
  }
  const auto found = counted_increases(result, judged(result));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].what, "sleeps");
  EXPECT_EQ(found[0].role, "mount_vfs");
  EXPECT_EQ(found[1].what, "page faults");
  EXPECT_EQ(found[1].categories.front(), "page-faults");
}

}  // namespace
}  // namespace vfsprof::reports
