#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "reports/analyze/observing.h"
#include "reports/analyze/report.h"
#include "reports/model/json.h"
#include "reports/rules/rule_set.h"
#include "reports/tests/synthetic.h"
#include "reports/write/registry.h"

namespace vfsprof::reports {
namespace {

using synthetic::make_result;
using synthetic::make_round;
using ::testing::HasSubstr;

constexpr std::uint64_t kBase = 40'000;

/// Timing and profiling rounds in turn; observing costs `ratio` times what there is without, and
/// the machine becomes twice as slow from the first to the last.
RunResult make_turns(std::uint32_t pairs, double ratio) {
  RunResult result = make_result({"mutex-pool"});
  for (std::uint32_t i = 0; i < pairs; ++i) {
    const double drift = 1 + static_cast<double>(i) / pairs;
    for (const RoundKind kind : {RoundKind::kTiming, RoundKind::kProfiling}) {
      const double cost = kBase * drift * (kind == RoundKind::kTiming ? 1 : ratio);
      Round round = make_round(
          {.block = i, .kind = kind, .cpu_ns_per_operation = static_cast<std::uint64_t>(cost)});
      if (kind == RoundKind::kProfiling) round.collector_cpu_ns = 1000 * 700;
      result.rounds.push_back(std::move(round));
    }
  }
  return result;
}

TEST(Observing, PairsOfNeighboursGiveTheCostWithAnIntervalInSpiteOfDrift) {
  const auto costs = observing_costs(make_turns(6, 1.02), 0);
  ASSERT_EQ(costs.size(), 1u);
  EXPECT_EQ(costs[0].kind, RoundKind::kProfiling);
  EXPECT_TRUE(costs[0].per_operation);
  EXPECT_EQ(costs[0].pairs, 6u);
  EXPECT_NEAR(costs[0].ratio, 1.02, 0.0001);
  ASSERT_TRUE(costs[0].interval);
  EXPECT_NEAR(costs[0].interval->interval.low, 1.02, 0.0001);
  EXPECT_NEAR(costs[0].interval->interval.high, 1.02, 0.0001);
  EXPECT_DOUBLE_EQ(costs[0].collector_ns, 700);
}

TEST(Observing, TooFewPairsSayHowManyMoreAreNeeded) {
  const auto costs = observing_costs(make_turns(4, 1.02), 0);
  ASSERT_EQ(costs.size(), 1u);
  EXPECT_FALSE(costs[0].interval);
  EXPECT_EQ(costs[0].pairs_missing, 2u);
  const Report report = build_report(make_turns(4, 1.02), default_rules());
  EXPECT_THAT(render(report, "md"), HasSubstr("unknown: 2 more pairs needed"));
}

TEST(Observing, EachTimingRoundStandsInOnePairOfAKindAndTheNearestIsTaken) {
  RunResult result = make_result({"mutex-pool"});
  // Far and cheap, then near: the profiling round between the last two belongs to a near one.
  for (const std::uint64_t cost : {10'000u, 40'000u}) {
    result.rounds.push_back(make_round({.cpu_ns_per_operation = cost}));
  }
  result.rounds.push_back(
      make_round({.kind = RoundKind::kProfiling, .cpu_ns_per_operation = 42'000}));
  result.rounds.push_back(
      make_round({.kind = RoundKind::kTracing, .cpu_ns_per_operation = 44'000}));
  const auto costs = observing_costs(result, 0);
  ASSERT_EQ(costs.size(), 2u);
  EXPECT_EQ(costs[0].pairs, 1u);
  EXPECT_NEAR(costs[0].ratio, 1.05, 1e-9);
  EXPECT_EQ(costs[1].kind, RoundKind::kTracing);
  EXPECT_NEAR(costs[1].ratio, 1.10, 1e-9);
}

TEST(Observing, WithoutOperationsTheCostIsPerSecondAndWhatHadNoCpuTimeIsLeftOut) {
  RunResult result = make_turns(7, 1.5);
  result.command = "profile";
  for (Round& round : result.rounds) {
    round.counts_operations = false;
    round.operations.clear();
    round.elapsed_ns = 500'000'000;
  }
  result.rounds.back().process_cpu_ns = 0;  // the process ended: nobody knows what it used
  const auto costs = observing_costs(result, 0);
  ASSERT_EQ(costs.size(), 1u);
  EXPECT_FALSE(costs[0].per_operation);
  EXPECT_EQ(costs[0].pairs, 6u);
  EXPECT_NEAR(costs[0].ratio, 1.5, 0.001);
  EXPECT_GT(costs[0].off_ns, 2 * 1000.0 * kBase);
  const Report report = build_report(result, default_rules());
  ASSERT_FALSE(report.arms[0].per_second.empty());
  EXPECT_THAT(render(report, "md"), HasSubstr("per second"));
}

TEST(Observing, WithoutTimingRoundsNothingIsSaid) {
  RunResult result = make_turns(6, 1.02);
  std::erase_if(result.rounds, [](const Round& round) { return round.kind == RoundKind::kTiming; });
  EXPECT_TRUE(observing_costs(result, 0).empty());
}

/// A counting round in which `instructions` cannot be counted and `page-faults` shared a counter.
Round make_counting(std::uint32_t arm, std::uint32_t block, std::uint64_t faults) {
  Round round = make_round({.arm = arm, .block = block, .kind = RoundKind::kCounting});
  round.events = {
      {.name = "instructions", .unavailable = "this machine has no counter", .threads = {}},
      {.name = "page-faults",
       .unavailable = "",
       .threads = {{.thread = 0, .count = faults, .enabled_ns = 1000, .running_ns = 500},
                   {.thread = 1, .count = faults, .enabled_ns = 1000, .running_ns = 1000}}}};
  return round;
}

TEST(Events, CountsAreScaledAndWhatCannotBeCountedIsUnavailable) {
  const std::vector<Round> rounds{make_counting(0, 0, 2000), make_counting(0, 1, 4000)};
  const auto events = summarise_events({&rounds[0], &rounds[1]});
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].unavailable, "this machine has no counter");
  EXPECT_NEAR(events[1].count, 9.0, 1e-9);  // (2 * 2000 + 2000 + 2 * 4000 + 4000) / 2000
  EXPECT_NEAR(events[1].running_share, 0.75, 1e-9);
  ASSERT_EQ(events[1].roles.size(), 2u);
  EXPECT_EQ(events[1].roles[0].role, "vfs-io-worker");
  EXPECT_NEAR(events[1].roles[0].count, 6.0, 1e-9);
}

TEST(Events, AnEventOfBothArmsIsAMetricAndOneThatIsUnavailableIsNone) {
  RunResult result = make_result({"before", "after"});
  for (std::uint32_t block = 0; block < 6; ++block) {
    for (const std::uint32_t arm : {0u, 1u}) {
      result.rounds.push_back(make_round({.arm = arm, .block = block}));
      result.rounds.push_back(make_counting(arm, block, arm == 0 ? 4000 : 2000));
    }
  }
  const Report report = build_report(result, default_rules());
  const auto& metrics = report.comparisons.at(0).metrics;
  const auto found = std::ranges::find(metrics, "event_page-faults", &MetricComparison::id);
  ASSERT_NE(found, metrics.end());
  EXPECT_EQ(found->verdict, Verdict::kImproved);
  EXPECT_NEAR(found->ratio, 0.5, 1e-9);
  EXPECT_EQ(std::ranges::find(metrics, "event_instructions", &MetricComparison::id), metrics.end());
  const std::string markdown = render(report, "md");
  EXPECT_THAT(markdown, HasSubstr("scaled: counted 75 % of the time"));
  EXPECT_THAT(markdown, HasSubstr("instructions of `before`: unavailable, because this machine"));
}

TEST(Events, SurviveSavingAndAnIndexOutOfRangeIsRefused) {
  RunResult result = make_result({"mutex-pool"});
  result.rounds = {make_counting(0, 0, 7)};
  const RunResult read = run_result_from_json(to_json(result), "x.json");
  EXPECT_EQ(read.rounds[0].kind, RoundKind::kCounting);
  ASSERT_EQ(read.rounds[0].events.size(), 2u);
  EXPECT_EQ(read.rounds[0].events[1].threads[0].running_ns, 500u);
  EXPECT_EQ(to_json(read), to_json(result));
  result.rounds[0].events[1].threads[0].thread = 99;
  EXPECT_THROW(run_result_from_json(to_json(result), "x.json"), FormatError);
}

}  // namespace
}  // namespace vfsprof::reports
