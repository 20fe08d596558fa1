#include <gtest/gtest.h>

#include "reports/analyze/layers.h"
#include "reports/analyze/lockstep.h"
#include "reports/model/arm_settings.h"
#include "reports/model/json.h"
#include "reports/rules/rule_set.h"
#include "reports/tests/synthetic.h"

namespace vfsprof::reports {
namespace {

using synthetic::make_result;
using synthetic::make_round;

/// A round on a target: its clients cost `client_ns` per operation beside the observed process.
Round round_of(std::uint32_t arm, std::uint32_t block, std::uint64_t observed_ns,
               std::uint64_t client_ns) {
  Round round = make_round({.arm = arm, .block = block, .cpu_ns_per_operation = observed_ns});
  round.client_cpu_ns = client_ns * 1000;
  return round;
}

/// In process 3 us, of which the null handler's are 1 us; on the mount 10 us and 2 us of clients; a
/// plain directory 4 us of clients.
RunResult on_three_targets() {
  RunResult result = make_result({"v on inproc", "v on fuse", "dir=/d"});
  result.target = "inproc, fuse, dir=/d";
  for (Arm& arm : result.arms) arm.canonical = "pool=mutex";
  result.arms[0].target = "inproc";
  result.arms[1].target = "fuse";
  result.arms[2].target = "dir=/d";
  result.arms[2].canonical = "";
  result.floors.absent = "";
  result.floors.arms = {{.name = "null", .canonical = "null", .axes = {}, .target = "inproc"},
                        {.name = "null", .canonical = "null", .axes = {}, .target = "fuse"}};
  result.floors.arm_of = {0, 1};
  for (std::uint32_t block = 0; block < 8; ++block) {
    // In process the clients are the observed process: their time must not count twice.
    result.rounds.push_back(round_of(0, block, 3000 + block, 3000 + block));
    result.rounds.push_back(round_of(1, block, 10'000 + block, 2000));
    result.rounds.push_back(round_of(2, block, 0, 4000));
    result.floors.rounds.push_back(round_of(0, block, 1000, 1000));
    result.floors.rounds.push_back(round_of(1, block, 7000, 2000));
  }
  return result;
}

TEST(Layers, TakeOffWhatTheOthersCost) {
  const std::vector<LayerReport> reports = report_layers(on_three_targets());
  ASSERT_EQ(reports.size(), 1U);
  ASSERT_EQ(reports[0].layers.size(), 4U);
  const char* const names[] = {"generator", "file system", "FUSE", "dir=/d"};
  const double costs_ns[] = {1000, 2003.5, 9000, 3000};
  for (std::size_t i = 0; i < 4; ++i) {
    const LayerCost& cost = reports[0].layers[i];
    EXPECT_EQ(cost.layer, names[i]);
    EXPECT_NEAR(cost.cpu_ns.value, costs_ns[i], 1) << names[i];
    EXPECT_EQ(cost.rounds, 8U);
    EXPECT_TRUE(cost.cpu_ns.interval) << names[i];
  }
  EXPECT_EQ(reports[0].work, "fuse: same results and files; dir=/d: same results and files");
}

TEST(Layers, StandInTheKeyFindingAndTheControlArmHasNoneOfItsOwn) {
  RunResult result = on_three_targets();
  Arm control = result.arms[0];
  control.name += " (control)";
  control.axes.push_back({std::string(kControlSetting), "yes"});
  result.arms.push_back(control);
  result.floors.arm_of.push_back(0);
  for (std::uint32_t block = 0; block < 8; ++block) {
    result.rounds.push_back(round_of(3, block, 3000 + block, 3000 + block));
  }
  const Report report = build_report(result, default_rules());
  EXPECT_EQ(report.arms.size(), 3U);
  EXPECT_EQ(report.layers.size(), 1U);
  EXPECT_EQ(report.opportunities.size(), 3U);
  EXPECT_NE(report.key_finding.find("generator 1.00 µs, file system 2.00 µs, FUSE 9.00 µs"),
            std::string::npos)
      << report.key_finding;
}

TEST(Layers, SayWhichTargetEndedOtherwise) {
  RunResult result = on_three_targets();
  result.rounds[1].tree_hash = "another";
  EXPECT_EQ(report_layers(result)[0].work,
            "fuse: other final files than in process; dir=/d: same results and files");
}

TEST(Layers, TargetsThatEndedOtherwiseAreVoidAndThoseThatAgreeAreNotCompared) {
  RunResult result = on_three_targets();
  EXPECT_TRUE(build_report(result, default_rules()).comparisons.empty());
  result.rounds[2].results_hash = "another";  // of dir=/d
  result.differences = {{.before = 0,
                         .after = 2,
                         .block = 0,
                         .fact = "results",
                         .operation = 17,
                         .client = 3,
                         .place = "stat of f",
                         .before_value = "4096",
                         .after_value = "0"}};
  const Report report = build_report(result, default_rules());
  ASSERT_EQ(report.comparisons.size(), 1U);
  EXPECT_EQ(report.comparisons[0].verdict, Verdict::kVoid);
  EXPECT_EQ(report.comparisons[0].after, 2U);
  EXPECT_TRUE(report.key_finding.starts_with("**Void**")) << report.key_finding;
  EXPECT_NE(report.key_finding.find("client 3, operation 17, stat of f"), std::string::npos)
      << report.key_finding;
}

TEST(Layers, ThereAreNoneOnOneTarget) {
  EXPECT_TRUE(report_layers(synthetic::make_comparison(8, 2.0)).empty());
}

TEST(Layers, AResultWithSeveralTargetsIsReadBack) {
  const RunResult result = on_three_targets();
  EXPECT_EQ(to_json(run_result_from_json(to_json(result), "saved")), to_json(result));
}

RunResult in_lockstep() {
  RunResult result = make_result({"a", "b"});
  result.lockstep = true;
  for (std::uint32_t block = 0; block < 3; ++block) {
    for (std::uint32_t arm = 0; arm < 2; ++arm) {
      Round round = make_round({.arm = arm, .block = block});
      round.counters = {{.name = "exact", .unit = "x", .value = 5 + arm, .stability = "exact"},
                        {.name = "wakes", .unit = "x", .value = block, .stability = "count-like"}};
      result.rounds.push_back(round);
    }
  }
  return result;
}

TEST(LockstepCheck, ArmsAreComparedWithThemselvesOnExactCounts) {
  const auto report = check_lockstep(in_lockstep());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->rounds, 6U);
  EXPECT_TRUE(report->differences.empty()) << report->differences.front();
}

TEST(LockstepCheck, TheFirstDifferenceIsNamed) {
  RunResult result = in_lockstep();
  result.rounds[3].counters[0].value = 9;
  const auto report = check_lockstep(result);
  ASSERT_TRUE(report);
  ASSERT_EQ(report->differences.size(), 1U);
  EXPECT_NE(report->differences[0].find("counter exact: 9 and not 6"), std::string::npos)
      << report->differences[0];
  EXPECT_NE(report->differences[0].find("b, block 1"), std::string::npos);
}

TEST(LockstepCheck, OtherRunsAreNotChecked) {
  EXPECT_FALSE(check_lockstep(synthetic::make_comparison(3, 2.0)));
}

}  // namespace
}  // namespace vfsprof::reports
