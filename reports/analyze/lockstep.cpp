#include "reports/analyze/lockstep.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "reports/analyze/arm_summary.h"

namespace vfsprof::reports {

std::vector<NamedValue> count_vector(const Round& round) {
  std::vector<NamedValue> counts;
  for (const OperationStats& stats : round.operations) {
    counts.push_back({stats.kind + " operations", std::to_string(stats.count)});
    counts.push_back({stats.kind + " errors", std::to_string(stats.errors)});
    counts.push_back({stats.kind + " bytes", std::to_string(stats.bytes)});
  }
  counts.push_back({"results of operations", round.results_hash});
  counts.push_back({"final files", round.tree_hash});
  for (const CounterValue& counter : round.counters) {
    if (counter.stability != "exact") continue;
    counts.push_back({"counter " + counter.name, std::to_string(counter.value)});
  }
  return counts;
}

std::string first_difference(const std::vector<NamedValue>& expected,
                             const std::vector<NamedValue>& found) {
  for (std::size_t i = 0; i < std::max(expected.size(), found.size()); ++i) {
    if (i >= found.size()) return fmt::format("{} is missing", expected[i].name);
    if (i >= expected.size()) return fmt::format("{} is new", found[i].name);
    if (expected[i].name != found[i].name) {
      return fmt::format("{} in place of {}", found[i].name, expected[i].name);
    }
    if (expected[i].value != found[i].value) {
      return fmt::format("{}: {} and not {}", expected[i].name, found[i].value, expected[i].value);
    }
  }
  return "";
}

std::optional<LockstepReport> check_lockstep(const RunResult& result) {
  if (!result.lockstep) return std::nullopt;
  LockstepReport report;
  std::map<std::uint32_t, std::vector<NamedValue>> firsts;  // by arm
  for (const Round& round : result.rounds) {
    if (!void_reason(round).empty()) continue;
    std::vector<NamedValue> counts = count_vector(round);
    ++report.rounds;
    report.counts = std::max(report.counts, counts.size());
    const auto [first, is_first] = firsts.try_emplace(round.arm, counts);
    if (is_first) continue;
    if (const std::string difference = first_difference(first->second, counts);
        !difference.empty()) {
      report.differences.push_back(fmt::format("{}, {}: {}", result.arms[round.arm].name,
                                               describe_round(round), difference));
    }
  }
  return report;
}

std::string describe(const LockstepReport& report) {
  if (report.differences.empty()) {
    return fmt::format("Lockstep: {} counts are the same in all {} rounds of their arm.",
                       report.counts, report.rounds);
  }
  return fmt::format("Lockstep: {} of {} rounds have other counts than the first of their arm: {}.",
                     report.differences.size(), report.rounds, report.differences.front());
}

}  // namespace vfsprof::reports
