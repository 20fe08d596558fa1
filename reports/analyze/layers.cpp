#include "reports/analyze/layers.h"

#include <fmt/format.h>

#include "reports/analyze/arm_summary.h"
#include "reports/analyze/compare.h"
#include "reports/analyze/statistics.h"
#include "reports/model/arm_settings.h"

namespace vfsprof::reports {
namespace {

constexpr double kConfidence = 0.95;
constexpr std::string_view kInProcess = "inproc";

using Rounds = std::vector<const Round*>;

/// CPU time of everybody who took part. In process the clients are the observed process.
double cpu_ns_per_operation(const Round& round, const std::string& target) {
  const std::uint64_t cpu_ns =
      target == kInProcess ? round.process_cpu_ns : round.process_cpu_ns + round.client_cpu_ns;
  return static_cast<double>(cpu_ns) / static_cast<double>(operations_of(round));
}

LayerCost cost_of(std::string layer, std::string made_from, const std::vector<double>& values) {
  LayerCost cost{.layer = std::move(layer),
                 .made_from = std::move(made_from),
                 .cpu_ns = {},
                 .rounds = values.size()};
  if (values.empty()) return cost;
  cost.cpu_ns.value = median(values);
  if (const auto interval = sign_test_interval(values, kConfidence)) {
    cost.cpu_ns.interval = interval->interval;
  }
  return cost;
}

struct Side {
  const Rounds& rounds;
  const std::string& target;
};

std::vector<double> costs(const Side& side) {
  std::vector<double> values;
  for (const Round* const round : side.rounds) {
    values.push_back(cpu_ns_per_operation(*round, side.target));
  }
  return values;
}

std::vector<double> differences(const Side& of, const Side& taken_off) {
  std::vector<double> values;
  for (const auto& [off, round] : pair_by_block(taken_off.rounds, of.rounds)) {
    values.push_back(cpu_ns_per_operation(*round, of.target) -
                     cpu_ns_per_operation(*off, taken_off.target));
  }
  return values;
}

/// Rounds of the null handler that ran in process beside an arm.
Rounds null_rounds(const RunResult& result, std::size_t arm) {
  Rounds rounds;
  if (arm >= result.floors.arm_of.size()) return rounds;
  for (const Round& round : result.floors.rounds) {
    if (round.arm == result.floors.arm_of[arm] && void_reason(round).empty()) {
      rounds.push_back(&round);
    }
  }
  return rounds;
}

/// Whether a target's first round ended as the first in process did.
std::string work_words(const RunResult& result, const std::string& target, const Round& in_process,
                       const Round& other) {
  if (result.scenario.racy && !result.lockstep) {
    return fmt::format("{}: not compared, as the scenario is racy", target);
  }
  std::string differing;
  if (in_process.results_hash != other.results_hash) differing = "results of operations";
  if (in_process.tree_hash != other.tree_hash) {
    differing += differing.empty() ? "final files" : " and final files";
  }
  return differing.empty() ? fmt::format("{}: same results and files", target)
                           : fmt::format("{}: other {} than in process", target, differing);
}

LayerReport layers_of(const RunResult& result, std::size_t in_process) {
  const Arm& arm = result.arms[in_process];
  LayerReport report{.variant = arm.canonical, .layers = {}, .work = {}};
  const std::string here(kInProcess);
  const Rounds rounds = rounds_of(result, in_process).timing;
  const Rounds nulls = null_rounds(result, in_process);
  report.layers.push_back(cost_of("generator", "null, in process", costs({nulls, here})));
  report.layers.push_back(cost_of("file system", "in process, less null in process",
                                  differences({rounds, here}, {nulls, here})));
  for (std::size_t i = 0; i < result.arms.size(); ++i) {
    const Arm& other = result.arms[i];
    if (i == in_process || other.target == here) continue;
    const Rounds others = rounds_of(result, i).timing;
    if (other.canonical == arm.canonical) {
      report.layers.push_back(cost_of("FUSE", fmt::format("{}, less in process", other.target),
                                      differences({others, other.target}, {rounds, here})));
    } else if (other.canonical.empty()) {
      // Kernel and file system in one: nothing can be taken off but the generator.
      report.layers.push_back(cost_of(other.target,
                                      fmt::format("{}, less null in process", other.target),
                                      differences({others, other.target}, {nulls, here})));
    } else {
      continue;
    }
    if (!rounds.empty() && !others.empty()) {
      report.work += (report.work.empty() ? "" : "; ") +
                     work_words(result, other.target, *rounds.front(), *others.front());
    }
  }
  return report;
}

}  // namespace

std::vector<LayerReport> report_layers(const RunResult& result) {
  std::vector<LayerReport> reports;
  for (std::size_t i = 0; i < result.arms.size(); ++i) {
    if (result.arms[i].target == kInProcess && !is_control(result.arms[i]))
      reports.push_back(layers_of(result, i));
  }
  return reports;
}

}  // namespace vfsprof::reports
