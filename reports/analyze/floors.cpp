#include "reports/analyze/floors.h"

#include <fmt/format.h>

#include <algorithm>

#include "reports/analyze/arm_profile.h"
#include "reports/analyze/arm_summary.h"
#include "reports/analyze/compare.h"

namespace vfsprof::reports {
namespace {

constexpr double kConfidence = 0.95;

Estimate median_estimate(const std::vector<double>& values) {
  Estimate estimate{.value = median(values), .interval = {}};
  if (const auto interval = sign_test_interval(values, kConfidence)) {
    estimate.interval = interval->interval;
  }
  return estimate;
}

double cpu_ns_per_operation(const Round& round) {
  return static_cast<double>(round.process_cpu_ns) / static_cast<double>(operations_of(round));
}

/// Metrics of which a handler that does nothing says something; how much it copies is no floor.
bool has_floor(const MetricComparison& metric) {
  return metric.id == "cpu_ns_per_operation" || metric.id == "operations_per_second" ||
         metric.unit == "ns";
}

ArmFloor report_arm(const RunResult& result, std::size_t arm) {
  const Floors& floors = result.floors;
  const std::uint32_t floor = floors.arm_of[arm];
  ArmFloor report{.arm = arm,
                  .null_handler = floors.arms[floor].canonical,
                  .void_rounds = {},
                  .metrics = {},
                  .cpu_above_ns = {}};
  std::vector<const Round*> rounds;
  for (const Round& round : floors.rounds) {
    if (round.arm != floor) continue;
    if (const std::string reason = void_reason(round); reason.empty()) {
      rounds.push_back(&round);
    } else {
      report.void_rounds.push_back(fmt::format("{}: {}", describe_round(round), reason));
    }
  }
  const RoundPairs pairs = pair_by_block(rounds, rounds_of(result, arm).timing);
  report.metrics = compare_pairs(pairs, main_kind(result), result.equivalence_margin);
  std::erase_if(report.metrics, [](const MetricComparison& metric) { return !has_floor(metric); });
  std::vector<double> above;
  for (const auto& [null_handler, round] : pairs) {
    above.push_back(cpu_ns_per_operation(*round) - cpu_ns_per_operation(*null_handler));
  }
  report.cpu_above_ns = median_estimate(above);
  return report;
}

MachineFloorSummary summarise(const MachineFloor& floor) {
  return {.name = floor.name,
          .title = floor.title,
          .unit = floor.unit,
          .value = median_estimate(floor.values),
          .repeats = floor.values.size(),
          .conditions = floor.conditions,
          .unavailable = floor.unavailable};
}

}  // namespace

FloorReport report_floors(const RunResult& result) {
  FloorReport report{.absent = result.floors.absent, .arms = {}, .machine = {}};
  for (std::size_t arm = 0; arm < result.floors.arm_of.size(); ++arm) {
    report.arms.push_back(report_arm(result, arm));
  }
  for (const MachineFloor& floor : result.floors.machine)
    report.machine.push_back(summarise(floor));
  return report;
}

}  // namespace vfsprof::reports
