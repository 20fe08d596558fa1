#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "reports/analyze/floors.h"
#include "reports/model/json.h"
#include "reports/tests/synthetic.h"
#include "reports/write/registry.h"

namespace vfsprof::reports {
namespace {

using synthetic::add_floors;
using synthetic::make_comparison;

const MetricComparison& metric_of(const ArmFloor& floor, std::string_view id) {
  for (const MetricComparison& metric : floor.metrics) {
    if (metric.id == id) return metric;
  }
  ADD_FAILURE() << "no metric " << id;
  return floor.metrics.front();
}

RunResult with_floors(std::uint32_t blocks) {
  RunResult result = make_comparison(blocks, 2.0);
  add_floors(result, blocks);
  return result;
}

TEST(Floors, ArmsArePairedWithTheNullHandlerByBlock) {
  const FloorReport report = report_floors(with_floors(8));
  EXPECT_EQ(report.absent, "");
  ASSERT_EQ(report.arms.size(), 2u);
  const MetricComparison& cpu = metric_of(report.arms[0], "cpu_ns_per_operation");
  EXPECT_EQ(cpu.pairs, 8u);
  EXPECT_NEAR(cpu.before, 5'001, 1);
  EXPECT_NEAR(cpu.ratio, 8.0, 0.05);
  ASSERT_TRUE(cpu.interval);
  EXPECT_NEAR(metric_of(report.arms[1], "cpu_ns_per_operation").ratio, 16.0, 0.1);
  EXPECT_NEAR(metric_of(report.arms[0], "operations_per_second").ratio, 0.25, 1e-9);
  EXPECT_NEAR(report.arms[0].cpu_above_ns.value, 35'080, 100);
  ASSERT_TRUE(report.arms[0].cpu_above_ns.interval);
  EXPECT_LT(report.arms[0].cpu_above_ns.interval->low, report.arms[0].cpu_above_ns.value);
}

TEST(Floors, TooFewPairsGiveARatioWithoutInterval) {
  const ArmFloor floor = report_floors(with_floors(3)).arms[0];
  EXPECT_FALSE(floor.cpu_above_ns.interval);
  EXPECT_FALSE(metric_of(floor, "cpu_ns_per_operation").interval);
  EXPECT_EQ(metric_of(floor, "cpu_ns_per_operation").note, "6 pairs are needed, there are 3");
}

TEST(Floors, VoidRoundsAreNamedAndLeftOut) {
  RunResult result = with_floors(8);
  result.floors.rounds[2].void_reason = "a read failed";
  const ArmFloor floor = report_floors(result).arms[1];
  EXPECT_EQ(metric_of(floor, "cpu_ns_per_operation").pairs, 7u);
  EXPECT_EQ(floor.void_rounds, std::vector<std::string>{"block 2, timing: a read failed"});
}

TEST(Floors, NeverTakePartInAVerdict) {
  const RunResult with = with_floors(8), without = make_comparison(8, 2.0);
  const Report first = build_report(with, default_rules());
  const Report second = build_report(without, default_rules());
  EXPECT_EQ(first.arms.size(), second.arms.size());
  EXPECT_EQ(first.key_finding, second.key_finding);
  ASSERT_EQ(first.comparisons.size(), 1u);
  EXPECT_EQ(first.comparisons[0].verdict, second.comparisons[0].verdict);
}

TEST(Floors, ComeBackFromAFile) {
  const RunResult result = with_floors(2);
  const RunResult again = run_result_from_json(to_json(result), "test");
  EXPECT_EQ(to_json(again), to_json(result));
  EXPECT_EQ(again.floors.arm_of, result.floors.arm_of);
  EXPECT_EQ(again.floors.rounds[1].process_cpu_ns, result.floors.rounds[1].process_cpu_ns);
  EXPECT_EQ(again.floors.machine[0].values, result.floors.machine[0].values);
  EXPECT_EQ(again.floors.machine[1].unavailable, result.floors.machine[1].unavailable);
}

TEST(Floors, ResultsSavedBeforeThereWereAnyStillLoadAndSaySo) {
  nlohmann::json document = nlohmann::json::parse(to_json(with_floors(2)));
  document.erase("floors");
  const RunResult old = run_result_from_json(document.dump(), "test");
  EXPECT_TRUE(old.floors.machine.empty());
  EXPECT_NE(render(build_report(old, default_rules()), "md")
                .find("No null handler ran beside this: the result was saved without it."),
            std::string::npos);
}

TEST(Floors, IndicesOfAHostileFileAreChecked) {
  const auto message = [](const char* pointer, const nlohmann::json& value) -> std::string {
    nlohmann::json document = nlohmann::json::parse(to_json(with_floors(2)));
    document[nlohmann::json::json_pointer(pointer)] = value;
    try {
      run_result_from_json(document.dump(), "test");
    } catch (const FormatError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_NE(message("/floors/rounds/1/arm", 1).find("/floors/rounds/1/arm"), std::string::npos);
  EXPECT_NE(message("/floors/arm_of", {0, 1}).find("/floors/arm_of"), std::string::npos);
  EXPECT_NE(message("/floors/arm_of", {0}).find("/floors/arm_of"), std::string::npos);
  EXPECT_EQ(message("/floors/arm_of", nlohmann::json::array()), "accepted");
}

}  // namespace
}  // namespace vfsprof::reports
