#include "reports/write/chosen_arms.h"

#include <fmt/format.h>

#include <algorithm>

#include "reports/analyze/characters.h"
#include "reports/model/format_error.h"

namespace vfsprof::reports {
namespace {

std::size_t find_arm(const Report& report, const std::string& wanted) {
  std::string names;
  for (std::size_t i = 0; i < report.arms.size(); ++i) {
    const std::string& name = report.arms[i].arm.name;
    if (name == wanted || fmt::format("#{}", i + 1) == wanted) return i;
    names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", shortened(printable(name)));
  }
  throw FormatError(
      fmt::format("no arm \"{}\" in this result; there are: {}", printable(wanted), names));
}

ArmStacks stacks_of(const Rendering& rendering, std::size_t arm) {
  return {shortened(printable(rendering.report.arms[arm].arm.name)),
          classify_stacks(rendering.result, arm, rendering.rules)};
}

[[noreturn]] void fail_without_samples() {
  throw FormatError("no profiling round that counts has samples, so there are no stacks to show");
}

}  // namespace

std::vector<ArmStacks> chosen_arms(const Rendering& rendering) {
  const Report& report = rendering.report;
  std::vector<ArmStacks> chosen;
  const auto add = [&](std::size_t arm) {
    ArmStacks stacks = stacks_of(rendering, arm);
    if (stacks.stacks.weight_ns > 0) chosen.push_back(std::move(stacks));
  };
  if (!rendering.options.arm.empty()) {
    add(find_arm(report, rendering.options.arm));
  } else {
    for (std::size_t i = 0; i < report.arms.size(); ++i) add(i);
  }
  if (chosen.empty()) fail_without_samples();
  return chosen;
}

StacksPair chosen_comparison(const Rendering& rendering) {
  const Report& report = rendering.report;
  if (report.comparisons.empty()) {
    throw FormatError("the result has one arm, and a difference needs two: see vfsprof compare");
  }
  auto found = report.comparisons.begin();
  if (const std::string& wanted = rendering.options.arm; !wanted.empty()) {
    const std::size_t arm = find_arm(report, wanted);
    found = std::ranges::find(report.comparisons, arm, &Comparison::after);
    if (found == report.comparisons.end()) {
      throw FormatError(fmt::format("arm \"{}\" is what the others are compared with: name another",
                                    printable(wanted)));
    }
  }
  if (found->verdict == Verdict::kVoid) {
    throw FormatError(fmt::format("the comparison is void, and has no difference to show: {}",
                                  found->void_reasons.empty()
                                      ? "no reason is known"
                                      : printable(found->void_reasons.front())));
  }
  StacksPair pair{stacks_of(rendering, found->before), stacks_of(rendering, found->after)};
  if (pair.before.stacks.weight_ns == 0 || pair.after.stacks.weight_ns == 0) fail_without_samples();
  return pair;
}

}  // namespace vfsprof::reports
