#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "reports/analyze/compare.h"
#include "reports/analyze/report.h"
#include "reports/tests/synthetic.h"

namespace vfsprof::reports {
namespace {

using synthetic::add_profile;
using synthetic::hand_off_samples;
using synthetic::kernel;
using synthetic::make_comparison;
using synthetic::make_result;
using synthetic::make_round;
using synthetic::StackSamples;
using synthetic::user;

std::vector<double> logs(std::initializer_list<double> ratios) {
  std::vector<double> result;
  for (const double ratio : ratios) result.push_back(std::log(ratio));
  return result;
}

TEST(Verdict, FollowsTheIntervalAndTheMargin) {
  struct Row {
    const char* what;
    std::vector<double> log_ratios;
    bool lower_is_better;
    Verdict wanted;
  };
  const Row rows[] = {
      {"below 1", logs({0.8, 0.81, 0.82, 0.83, 0.84, 0.85}), true, Verdict::kImproved},
      {"below 1, higher is better", logs({0.8, 0.81, 0.82, 0.83, 0.84, 0.85}), false,
       Verdict::kRegressed},
      {"above 1", logs({1.2, 1.21, 1.22, 1.23, 1.24, 1.25}), true, Verdict::kRegressed},
      {"above 1, higher is better", logs({1.2, 1.21, 1.22, 1.23, 1.24, 1.25}), false,
       Verdict::kImproved},
      {"within the margin around 1", logs({0.97, 0.98, 1, 1.01, 1.02, 1.03}), true,
       Verdict::kEquivalent},
      {"below 1 but within the margin", logs({0.96, 0.97, 0.97, 0.98, 0.98, 0.99}), true,
       Verdict::kEquivalent},
      {"below 1, across the margin", logs({0.9, 0.92, 0.93, 0.95, 0.97, 0.99}), true,
       Verdict::kImproved},
      {"across 1 and the margin", logs({0.9, 0.95, 1, 1.05, 1.1, 1.15}), true, Verdict::kUndecided},
      {"too few pairs", logs({0.5, 0.5, 0.5, 0.5, 0.5}), true, Verdict::kUndecided},
      {"nothing", {}, true, Verdict::kUndecided},
      {"to zero", std::vector<double>(6, -HUGE_VAL), true, Verdict::kImproved},
      {"from zero", std::vector<double>(6, HUGE_VAL), true, Verdict::kRegressed},
      {"zero in both", std::vector<double>(6, 0.0), true, Verdict::kEquivalent},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(judge({row.log_ratios, 0.05, row.lower_is_better}).verdict, row.wanted) << row.what;
  }
}

TEST(Verdict, TooFewPairsSayHowManyAreNeeded) {
  const MetricComparison found = judge({logs({0.5, 0.6}), 0.05, true});
  EXPECT_FALSE(found.interval);
  EXPECT_EQ(found.note, "6 pairs are needed, there are 2");
  EXPECT_TRUE(found.minimum_detectable_effect);
}

const MetricComparison& metric_of(const Comparison& comparison, const std::string& id) {
  for (const MetricComparison& metric : comparison.metrics) {
    if (metric.id == id) return metric;
  }
  throw std::runtime_error("no metric " + id);
}

TEST(Comparison, EqualArmsAreEquivalent) {
  const Report report = build_report(make_comparison(8, 1), default_rules());
  ASSERT_EQ(report.comparisons.size(), 1U);
  const Comparison& comparison = report.comparisons[0];
  EXPECT_EQ(comparison.verdict, Verdict::kEquivalent);
  EXPECT_EQ(comparison.compared.size(), 3U);
  EXPECT_EQ(metric_of(comparison, "cpu_ns_per_operation").pairs, 8U);
  EXPECT_TRUE(metric_of(comparison, "cpu_ns_per_operation").decides);
  EXPECT_EQ(metric_of(comparison, "thread_wakes").before, 3);
  EXPECT_EQ(metric_of(comparison, "bytes_copied").before, 3);
  EXPECT_EQ(metric_of(comparison, "write_p50_ns").verdict, Verdict::kEquivalent);
  for (const CategoryChange& change : comparison.changes) {
    EXPECT_EQ(change.verdict, CellVerdict::kNotSignificant) << change.role << change.id;
  }
  const std::string& text = comparison.explanation[0];
  EXPECT_NE(text.find("`pool` (`mutex -> sharded`)"), std::string::npos) << text;
  EXPECT_NE(text.find("no large difference is to be expected"), std::string::npos) << text;
  EXPECT_NE(comparison.explanation[1].find("at most one write is in flight"), std::string::npos);
}

TEST(Comparison, TheHandOffExplanationNeedsItsEvidence) {
  RunResult result = make_comparison(8, 1);
  for (Arm& arm : result.arms) arm.axes.back().value = "4";
  const Report several = build_report(result, default_rules());
  for (const std::string& text : several.comparisons[0].explanation) {
    EXPECT_EQ(text.find("at most one write"), std::string::npos) << text;
  }
  for (Round& round : result.rounds) round.counters.clear();
  const Report uncounted = build_report(result, default_rules());
  for (const std::string& text : uncounted.comparisons[0].explanation) {
    EXPECT_EQ(text.find("hand-offs"), std::string::npos) << text;
  }
}

TEST(Comparison, ASlowerArmRegresses) {
  EXPECT_EQ(build_report(make_comparison(8, 1.2), default_rules()).comparisons[0].verdict,
            Verdict::kRegressed);
  EXPECT_EQ(build_report(make_comparison(8, 0.8), default_rules()).comparisons[0].verdict,
            Verdict::kImproved);
  EXPECT_EQ(build_report(make_comparison(5, 0.8), default_rules()).comparisons[0].verdict,
            Verdict::kUndecided);
}

TEST(Comparison, ACounterThatVanishesIsImproved) {
  RunResult result = make_comparison(6, 1);
  for (Round& round : result.rounds) {
    for (CounterValue& counter : round.counters) {
      if (round.arm == 1 && counter.name == "thread_wakes") counter.value = 0;
    }
  }
  const Report report = build_report(result, default_rules());
  const MetricComparison& wakes = metric_of(report.comparisons[0], "thread_wakes");
  EXPECT_EQ(wakes.verdict, Verdict::kImproved);
  EXPECT_EQ(wakes.ratio, 0);
}

std::string void_reason_after(const std::function<void(RunResult&)>& change) {
  RunResult result = make_comparison(6, 1);
  change(result);
  const Comparison comparison = build_report(result, default_rules()).comparisons[0];
  if (comparison.verdict != Verdict::kVoid) {
    EXPECT_TRUE(comparison.void_reasons.empty());
    return "";
  }
  EXPECT_TRUE(comparison.metrics.empty());
  return comparison.void_reasons.at(0);
}

TEST(Comparison, DifferentTreesVoidItAndTheFirstDifferenceIsNamed) {
  const std::string reason = void_reason_after([](RunResult& result) {
    for (Round& round : result.rounds) {
      if (round.arm == 1 && round.block >= 2) round.tree_hash = "ffff000000000000cccc";
    }
  });
  EXPECT_EQ(
      reason,
      "the final file trees differ, first in block 2, timing: `mutex-pool` has 1f2e3d4c5b6a7988, "
      "`sharded-pool` has ffff000000000000");
}

TEST(Comparison, DifferentResultsVoidItUnlessTheScenarioIsRacy) {
  const auto change = [](RunResult& result) { result.rounds[1].results_hash = "other"; };
  EXPECT_NE(void_reason_after(change), "");
  EXPECT_EQ(void_reason_after([&](RunResult& result) {
              change(result);
              result.scenario.racy = true;
            }),
            "");
}

TEST(Comparison, OtherOperationCountsVoidItEvenIfRacy) {
  const std::string reason = void_reason_after([](RunResult& result) {
    result.scenario.racy = true;
    result.rounds[1].operations[0].count += 1;
  });
  EXPECT_NE(reason.find("`mutex-pool` has write 1000, `sharded-pool` has write 1001"),
            std::string::npos)
      << reason;
}

TEST(Comparison, AVoidRoundOrAnEmptyOneVoidsIt) {
  EXPECT_NE(void_reason_after([](RunResult& result) {
              result.rounds[3].void_reason = "the cap fired";
            }).find("the cap fired"),
            std::string::npos);
  EXPECT_NE(void_reason_after([](RunResult& result) {
              result.rounds[3].operations.clear();
            }).find("no operation was done"),
            std::string::npos);
  EXPECT_NE(void_reason_after([](RunResult& result) {
              std::erase_if(result.rounds, [](const Round& round) { return round.arm == 1; });
            }).find("has no rounds"),
            std::string::npos);
}

TEST(Comparison, MissingHashesAreNamedAsNotCompared) {
  RunResult result = make_comparison(6, 1);
  for (Round& round : result.rounds) round.tree_hash.clear();
  const Comparison comparison = build_report(result, default_rules()).comparisons[0];
  EXPECT_EQ(comparison.verdict, Verdict::kEquivalent);
  EXPECT_NE(comparison.uncompared.find("final file trees"), std::string::npos);
}

/// A comparison of profiles alone: three rounds of each arm with these samples.
Comparison compare_profiles(const std::vector<StackSamples>& before,
                            const std::vector<StackSamples>& after, int rounds = 3) {
  RunResult result = make_result({"a-old", "b-new"});
  for (int block = 0; block < rounds; ++block) {
    for (std::uint32_t arm = 0; arm < 2; ++arm) {
      Round round = make_round(
          {.arm = arm, .block = static_cast<std::uint32_t>(block), .kind = RoundKind::kProfiling});
      std::vector<StackSamples> samples = arm == 0 ? before : after;
      // Rounds of one arm differ by one per cent.
      for (StackSamples& entry : samples)
        entry.count += entry.count * static_cast<std::uint64_t>(block) / 100;
      add_profile(round, samples, 40);
      result.rounds.push_back(round);
    }
  }
  return build_report(result, default_rules()).comparisons.at(0);
}

CellVerdict verdict_of(const Comparison& comparison, const std::string& id) {
  for (const CategoryChange& change : comparison.changes) {
    if (change.role == "vfs-io-worker" && change.id == id) return change.verdict;
  }
  throw std::runtime_error("no row " + id);
}

std::vector<StackSamples> copies_and_wakes(std::uint64_t copies, std::uint64_t wakes) {
  return {{"vfs-io-worker", {user("memmove")}, copies},
          {"vfs-io-worker", {kernel("futex_wake")}, wakes}};
}

// The analysis document's paradox: memmove goes from 2.19 to 7.77 % as futex work shrinks. Only its
// cost tells why.
TEST(CategoryChange, AShareThatRisesBecauseTheRestShrankIsRenormalisedOnly) {
  const Comparison comparison =
      compare_profiles(copies_and_wakes(1'000, 8'000), copies_and_wakes(1'000, 2'000));
  EXPECT_EQ(verdict_of(comparison, "memory-copy"), CellVerdict::kRenormalised);
  EXPECT_EQ(verdict_of(comparison, "futex-wake"), CellVerdict::kBetter);
}

TEST(CategoryChange, AShareThatRisesWithItsCostIsWorse) {
  const Comparison comparison =
      compare_profiles(copies_and_wakes(1'000, 8'000), copies_and_wakes(3'500, 8'000));
  EXPECT_EQ(verdict_of(comparison, "memory-copy"), CellVerdict::kWorse);
  EXPECT_EQ(verdict_of(comparison, "futex-wake"), CellVerdict::kRenormalised);
}

TEST(CategoryChange, AShareThatFallsBecauseTheRestGrewIsRenormalisedOnly) {
  const Comparison comparison =
      compare_profiles(copies_and_wakes(2'000, 4'000), copies_and_wakes(2'000, 16'000));
  EXPECT_EQ(verdict_of(comparison, "memory-copy"), CellVerdict::kRenormalised);
  EXPECT_EQ(verdict_of(comparison, "futex-wake"), CellVerdict::kWorse);
}

TEST(CategoryChange, WhatAppearsIsNewAndWhatVanishesIsGone) {
  const std::vector<StackSamples> wakes{{"vfs-io-worker", {kernel("futex_wake")}, 2'000},
                                        {"vfs-io-worker", {user("malloc")}, 500}};
  const std::vector<StackSamples> copies{{"vfs-io-worker", {user("memmove")}, 2'000},
                                         {"vfs-io-worker", {user("malloc")}, 500}};
  const Comparison comparison = compare_profiles(wakes, copies);
  EXPECT_EQ(verdict_of(comparison, "futex-wake"), CellVerdict::kGone);
  EXPECT_EQ(verdict_of(comparison, "memory-copy"), CellVerdict::kNew);
  EXPECT_EQ(verdict_of(comparison, "allocator"), CellVerdict::kNotSignificant);
  EXPECT_TRUE(comparison.changes.front().role.empty()) << "groups come first";
}

TEST(CategoryChange, OneProfilingRoundGivesNoVerdict) {
  const Comparison comparison =
      compare_profiles(copies_and_wakes(1'000, 8'000), copies_and_wakes(9'000, 2'000), 1);
  EXPECT_FALSE(comparison.changes_judged);
  EXPECT_EQ(verdict_of(comparison, "memory-copy"), CellVerdict::kNotSignificant);
}

TEST(CategoryChange, AHandfulOfSamplesIsThinAndProvesNothing) {
  const Comparison comparison =
      compare_profiles(copies_and_wakes(2, 2'000), copies_and_wakes(4, 2'000));
  EXPECT_EQ(verdict_of(comparison, "memory-copy"), CellVerdict::kNotSignificant);
  EXPECT_TRUE(std::any_of(
      comparison.changes.begin(), comparison.changes.end(),
      [](const CategoryChange& change) { return change.id == "memory-copy" && change.thin; }));
}

}  // namespace
}  // namespace vfsprof::reports
