#include "harness/experiment/preparation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace vfsprof::harness {
namespace {

std::vector<std::string> go_around_page_cache(ExperimentOptions& experiment) {
  std::vector<std::string> changed;
  std::vector<std::string> kept;
  for (ArmSpec& arm : experiment.arms) {
    const TargetInfo& target = *(arm.target ? *arm.target : experiment.target).info;
    if (!arm.variant || !target.mounts || arm.variant->options.direct_io) continue;
    if (arm.variant->options.writeback) {
      kept.push_back(arm.name);
      continue;
    }
    arm.variant->options.direct_io = true;
    changed.push_back(arm.name);
  }
  std::vector<std::string> lines;
  if (!changed.empty()) {
    lines.push_back(fmt::format(
        "in lockstep {} ran with direct_io=on: what the kernel's page cache holds and reads ahead "
        "depends on memory and time, so each read and write is a request of its own",
        fmt::join(changed, ", ")));
  }
  if (!kept.empty()) {
    lines.push_back(fmt::format(
        "in lockstep {} kept the kernel's page cache (writeback=on): when it writes and "
        "reads again depends on memory and time, so requests may differ between rounds",
        fmt::join(kept, ", ")));
  }
  return lines;
}

}  // namespace

std::vector<std::string> prepare(ExperimentOptions& experiment) {
  std::vector<std::string> lines;
  if (experiment.scenario.lockstep) lines = go_around_page_cache(experiment);
  if (experiment.issue_priority == IssuePriority::kRealtime) {
    lines.emplace_back(
        "clients that keep a pace asked for real-time priority (--issue-priority realtime): they "
        "interrupt whatever runs on their CPU when the time of an operation or its result comes, "
        "the file system too");
  }
  return lines;
}

}  // namespace vfsprof::harness
