// What reports recommend: planted faults are found where they are, with the right remedy, and
// nothing else is.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "reports/analyze/opportunities.h"
#include "reports/analyze/recommend.h"
#include "reports/analyze/report.h"
#include "reports/lint/linter.h"
#include "reports/tests/pathologies.h"
#include "reports/tests/synthetic.h"
#include "reports/write/registry.h"

namespace vfsprof::reports {
namespace {

using synthetic::Pathology;
using synthetic::PlantedOpportunity;

std::string change_of(const Opportunity& found) {
  std::string text;
  for (const NamedValue& change : found.changes) {
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", change.name, change.value);
  }
  return text;
}

std::string describe(const Opportunity& found) {
  return fmt::format("{} in {} {} by {} ({:.3f} to {:.3f})", found.id, found.cells.front().role,
                     found.cells.front().category, change_of(found), found.impact.low,
                     found.impact.high);
}

bool is_found_as(const Opportunity& found, const PlantedOpportunity& planted) {
  const EvidenceCell& largest = found.cells.front();
  return found.id == planted.id && largest.role == planted.role &&
         largest.category == planted.category && change_of(found) == planted.change;
}

TEST(Opportunities, PlantedFaultsAreFoundAndNothingElse) {
  std::size_t planted = 0, found = 0, right = 0;
  for (const Pathology& pathology : synthetic::pathologies()) {
    const Report report = build_report(pathology.result, default_rules());
    const std::vector<Opportunity>& listed = report.opportunities.at(0).listed;
    planted += pathology.planted.size();
    found += listed.size();
    for (const PlantedOpportunity& each : pathology.planted) {
      const bool is_found = std::ranges::any_of(
          listed, [&](const Opportunity& candidate) { return is_found_as(candidate, each); });
      right += is_found ? 1 : 0;
      EXPECT_TRUE(is_found) << pathology.name << ": missing " << each.id;
    }
    for (const Opportunity& each : listed) {
      EXPECT_TRUE(std::ranges::any_of(
          pathology.planted,
          [&](const PlantedOpportunity& candidate) { return is_found_as(each, candidate); }))
          << pathology.name << ": " << describe(each);
    }
  }
  EXPECT_GE(planted, 12U);
  EXPECT_GE(static_cast<double>(right), 0.9 * static_cast<double>(planted)) << "recall";
  EXPECT_GE(static_cast<double>(right), 0.9 * static_cast<double>(found)) << "precision";
}

TEST(Opportunities, EachRestsOnItsEvidence) {
  const Pathology pathology = synthetic::hand_off_and_copies();
  const Report report = build_report(pathology.result, default_rules());
  for (const Opportunity& found : report.opportunities.at(0).listed) {
    SCOPED_TRACE(describe(found));
    double cells = 0, stacks = 0;
    for (const EvidenceCell& cell : found.cells) cells += cell.share;
    for (const CarryingStack& stack : found.stacks) stacks += stack.share;
    EXPECT_NEAR(cells, found.share, 1e-9);
    EXPECT_NEAR(stacks, found.stacks_share, 1e-9);
    EXPECT_GE(stacks, 0.8);
    EXPECT_LE(found.share_interval.low, found.share);
    EXPECT_GE(found.share_interval.high, found.share);
    EXPECT_GE(found.impact.low, kDefaultThreshold);
    EXPECT_LE(found.impact.high, found.share_interval.high + 1e-9);
    EXPECT_EQ(found.problem.find('{'), std::string::npos) << found.problem;
    EXPECT_EQ(found.cause.find('{'), std::string::npos) << found.cause;
    EXPECT_TRUE(found.cost_ns);
  }
  const Opportunity& first = report.opportunities.at(0).listed.at(0);
  EXPECT_EQ(first.id, "hand-off");
  EXPECT_EQ(first.variant, "mutex-pool,executor=sync");
  EXPECT_NE(first.problem.find("2.00 hand-offs and 3.00 thread wake-ups"), std::string::npos)
      << first.problem;
}

TEST(Opportunities, CombinedPotentialCompoundsAndCountsSharedEvidenceOnce) {
  const ArmOpportunities found =
      build_report(synthetic::hand_off_and_copies().result, default_rules()).opportunities.at(0);
  ASSERT_EQ(found.listed.size(), 2U);
  const Interval &a = found.listed[0].impact, &b = found.listed[1].impact;
  // The evidence of the two is disjoint.
  EXPECT_NEAR(found.combined->low, 1 - (1 - a.low) * (1 - b.low), 1e-9);
  EXPECT_NEAR(found.combined->high, 1 - (1 - a.high) * (1 - b.high), 1e-9);
  EXPECT_LT(found.combined->high, a.high + b.high);

  // Small requests pay for hand-offs too: both claim the futex work.
  RunResult result = synthetic::hand_off_and_copies().result;
  for (NamedValue& axis : result.arms[0].axes) {
    if (axis.name == "max_write") axis.value = "4k";
  }
  for (Round& round : result.rounds) {
    for (CounterValue& counter : round.counters) {
      if (counter.name == "fuse_writes") counter.value *= 32;
    }
  }
  const ArmOpportunities shared = build_report(result, default_rules()).opportunities.at(0);
  ASSERT_EQ(shared.listed.size(), 3U);
  double rest = 1;
  for (const Opportunity& each : shared.listed) rest *= 1 - each.impact.low;
  EXPECT_LT(shared.combined->low, 1 - rest - 0.05);
  EXPECT_LE(shared.combined->high, 1);
}

TEST(Opportunities, OnlyWhatPassesTheThresholdWithItsLowerBoundIsListed) {
  const RunResult result = synthetic::hand_off_and_copies().result;
  const ArmOpportunities all = build_report(result, default_rules()).opportunities.at(0);
  ASSERT_EQ(all.listed.size(), 2U);
  const double low = std::min(all.listed[0].impact.low, all.listed[1].impact.low);
  const auto at = [&](double threshold) {
    return build_report(result, default_rules(), {.threshold = threshold}).opportunities.at(0);
  };
  EXPECT_EQ(at(low).listed.size(), 2U);
  EXPECT_EQ(at(low + 1e-6).listed.size(), 1U);
  EXPECT_EQ(at(low + 1e-6).unlisted.size(), 1U);
  EXPECT_TRUE(at(1).listed.empty());
  EXPECT_FALSE(at(1).combined);
  EXPECT_FALSE(at(1).next_steps.empty());
}

TEST(Opportunities, OneStretchOfTimeHasNoLowerBound) {
  RunResult result = synthetic::hand_off_and_copies().result;
  result.rounds.resize(1);
  for (SampleCount& sample : result.rounds[0].profile->samples) sample.slice = 0;
  result.rounds[0].elapsed_ns = result.rounds[0].profile->slice_ns;
  const ArmOpportunities found = build_report(result, default_rules()).opportunities.at(0);
  EXPECT_NE(found.absent.find("one stretch of time"), std::string::npos);
  EXPECT_TRUE(found.listed.empty());
  result.rounds.clear();
  EXPECT_FALSE(build_report(result, default_rules()).opportunities.at(0).absent.empty());
}

TEST(Opportunities, FewSamplesAreNotEnough) {
  RunResult result = synthetic::hand_off_and_copies().result;
  for (Round& round : result.rounds) {
    if (!round.profile) continue;
    std::size_t i = 0;
    for (SampleCount& sample : round.profile->samples) sample.count = i++ % 61 == 0 ? 1 : 0;
  }
  const Report report = build_report(result, default_rules());
  for (const Opportunity& found : report.opportunities.at(0).listed) {
    EXPECT_EQ(found.id, "hand-off") << describe(found);
  }
}

TEST(Opportunities, ReportsWithThemAreCleanAndKeepWithinTheLimit) {
  for (const Pathology& pathology : synthetic::pathologies()) {
    const Report report = build_report(pathology.result, default_rules());
    const std::string text = render(report, "md");
    EXPECT_LT(text.size(), 65'000U);
    for (const LintFinding& finding : lint_markdown(text)) {
      ADD_FAILURE() << pathology.name << ":" << finding.line << ": " << finding.rule << ": "
                    << finding.message;
    }
    for (const char* heading : {"## Executive summary", "## Opportunities in ", "## Next steps"}) {
      EXPECT_NE(text.find(heading), std::string::npos) << heading;
    }
    EXPECT_EQ(text.find("## Summary of recommendations") != std::string::npos,
              !pathology.planted.empty());
  }
}

TEST(Recommend, PriorityWeighsImpactByComplexity) {
  EXPECT_EQ(priority_of({0.05, 0.1}, Complexity::kLow), Priority::kHigh);
  EXPECT_EQ(priority_of({0.09, 0.1}, Complexity::kMedium), Priority::kMedium);
  EXPECT_EQ(priority_of({0.2, 0.3}, Complexity::kMedium), Priority::kHigh);
  EXPECT_EQ(priority_of({0.06, 0.9}, Complexity::kHigh), Priority::kLow);
  EXPECT_EQ(priority_of({0.2, 0.9}, Complexity::kHigh), Priority::kHigh);
}

TEST(Recommend, AChangeTakesThePlaceOfWhatTheVariantNames) {
  EXPECT_EQ(variant_with("mutex-pool", {{"executor", "sync"}}), "mutex-pool,executor=sync");
  EXPECT_EQ(variant_with("default,executor=spin,copy=triple", {{"executor", "sync"}}),
            "default,copy=triple,executor=sync");
  EXPECT_EQ(variant_with("pool=mutex", {{"pool", "sharded"}}), "pool=sharded");
}

}  // namespace
}  // namespace vfsprof::reports
