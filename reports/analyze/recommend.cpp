#include "reports/analyze/recommend.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "reports/analyze/arm_facts.h"
#include "reports/analyze/text.h"
#include "reports/analyze/wait_opportunities.h"

namespace vfsprof::reports {
namespace {

// Samples that no rule knows: above this share they could hide a row of the tables.
constexpr double kNotableUnclassified = 0.02;

/// What the impact's lower bound is divided by.
double effort(Complexity complexity) {
  constexpr double kEffort[] = {1, 2, 4};
  return kEffort[static_cast<std::size_t>(complexity)];
}

std::string apply_step(const Report& report, const ArmSummary& arm, const Opportunity& found) {
  const std::string prediction =
      fmt::format("predicted CPU time per operation, after / before: {:.2f} to {:.2f}",
                  1 - found.impact.high, 1 - found.impact.low);
  if (found.variant.empty()) {
    return fmt::format("**{}** ({} complexity; {}): {} Then profile again.", found.title,
                       to_string(found.complexity), prediction, found.remedy);
  }
  return fmt::format("**{}** ({} complexity; {}): {}.", found.title, to_string(found.complexity),
                     prediction,
                     code(fmt::format("vfsprof compare --scenario {} --variant {} --variant {}",
                                      report.scenario.name, arm.arm.name, found.variant)));
}

std::string apply_step(const Report& report, const ArmSummary& arm, const WaitOpportunity& found) {
  const std::string prediction =
      fmt::format("predicted share {} that goes away: {:.1f} to {:.1f} %", whole_words(found),
                  100 * found.impact.low, 100 * found.impact.high);
  const std::string start = fmt::format("**{}** at {} ({} complexity; {}): ", found.title,
                                        code(found.word), to_string(found.complexity), prediction);
  if (found.variant.empty()) return start + found.remedy + " Then trace again.";
  return start +
         code(fmt::format("vfsprof compare --scenario {} --variant {} --variant {}",
                          report.scenario.name, arm.arm.name, found.variant)) +
         ".";
}

/// Where the rest is, where nothing is left to recommend.
std::string rest_step(const ArmSummary& arm, double threshold) {
  const CategoryRow* largest = nullptr;
  const RoleTable* where = nullptr;
  for (const RoleTable& role : arm.profile->roles) {
    for (const CategoryRow& row : role.rows) {
      if (largest != nullptr && row.time.weight_ns <= largest->time.weight_ns) continue;
      largest = &row;
      where = &role;
    }
  }
  if (largest == nullptr) return "";
  return fmt::format(
      "No rule finds anything worth {:.0f} % or more. The largest row is {} in {} ({}): look at "
      "its "
      "stacks, and at the arm beside its floor.",
      100 * threshold, largest->title, code(where->role),
      format_printed_share(largest->time.printed_share));
}

std::string unclassified_step(const ArmSummary& arm) {
  const double unclassified = 1 - arm.profile->classified;
  if (unclassified <= kNotableUnclassified) return "";
  std::vector<std::pair<double, std::string>> leaves;
  for (const RoleTable& role : arm.profile->roles) {
    for (const CategoryRow& row : role.rows) {
      if (row.id != kUnclassified) continue;
      for (const SymbolShare& leaf : row.leaves) {
        leaves.emplace_back(leaf.share * row.time.share.value, leaf.name);
      }
    }
  }
  std::sort(leaves.rbegin(), leaves.rend());
  if (leaves.size() > 3) leaves.resize(3);
  std::vector<std::string> names;
  for (const auto& [share, name] : leaves) names.push_back(code(name));
  return fmt::format("Add rules for the {} of samples that none matches, above all {}.",
                     format_share(unclassified), join_words(names));
}

std::string undecided_step(const Report& report, std::size_t arm) {
  for (const Comparison& comparison : report.comparisons) {
    if (comparison.after != arm || comparison.verdict != Verdict::kUndecided) continue;
    if (comparison.metrics.empty() || report.arms[arm].operations == 0) continue;
    return fmt::format("Repeat the comparison with more rounds than {}: it is undecided.",
                       comparison.metrics.front().pairs);
  }
  return "";
}

std::string capability_step(const Report& report) {
  std::vector<std::string> words;
  for (const Capability& capability : report.capabilities) {
    if (capability.state == CapabilityState::kAvailable || capability.remedy.empty()) continue;
    words.push_back(fmt::format("{} ({})", code(capability.name), code(capability.remedy)));
  }
  if (words.empty()) return "";
  return fmt::format("Give back what could not be measured: {}.", join_words(words));
}

}  // namespace

Priority priority_of(const Interval& impact, Complexity complexity) {
  constexpr double kHigh = 0.05;
  const double worth = impact.low / effort(complexity);
  if (worth >= kHigh) return Priority::kHigh;
  return worth >= kHigh / 2 ? Priority::kMedium : Priority::kLow;
}

std::string to_string(Priority priority) {
  constexpr const char* kNames[] = {"high", "medium", "low"};
  return kNames[static_cast<std::size_t>(priority)];
}

std::vector<std::string> next_steps(const Report& report, const ArmOpportunities& found) {
  const ArmSummary& arm = report.arms[found.arm];
  std::vector<std::string> steps;
  for (const Opportunity& opportunity : found.listed) {
    steps.push_back(apply_step(report, arm, opportunity));
  }
  for (const WaitOpportunity& opportunity : found.waits.listed) {
    // What the same change is recommended for already needs no step of its own.
    const bool is_known =
        !opportunity.changes.empty() && std::ranges::any_of(found.listed, [&](const auto& each) {
          return each.variant == opportunity.variant;
        });
    if (!is_known) steps.push_back(apply_step(report, arm, opportunity));
  }
  if (found.absent.empty()) {
    steps.push_back(found.listed.empty() ? rest_step(arm, report.threshold)
                                         : "Profile again after each change: what is left then is "
                                           "divided anew, and the next one in this list may have "
                                           "become larger or smaller.");
    steps.push_back(unclassified_step(arm));
  }
  steps.push_back(undecided_step(report, found.arm));
  steps.push_back(capability_step(report));
  std::erase(steps, "");
  return steps;
}

}  // namespace vfsprof::reports
