#include "reports/rules/check_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "reports/rules/classifier.h"
#include "reports/rules/function_name.h"

namespace vfsprof::reports {
namespace {

RuleFinding finding(const Rule& rule, std::string check, std::string message) {
  return {rule.origin, rule.pointer, std::move(check), std::move(message)};
}

/// The rule that decides an example, as a stack of frames of the rule's own kind.
std::optional<std::size_t> decided_by(const RuleSet& rules, const Rule& rule) {
  Profile profile;
  std::vector<std::uint32_t>& stack = profile.stacks.emplace_back();
  for (const std::string& name : rule.example) {
    stack.push_back(static_cast<std::uint32_t>(profile.frames.size()));
    profile.frames.push_back(
        {rule.kernel.value_or(false) ? FrameKind::kKernel : FrameKind::kUser, name, rule.module});
  }
  const auto found = Classifier(rules, profile).classify(0, rule.role.empty() ? "any" : rule.role);
  return found ? std::optional(found->rule) : std::nullopt;
}

/// Whether `earlier` applies wherever `later` does, as far as frames' names do not matter.
bool applies_wherever(const Rule& earlier, const Rule& later) {
  if (earlier.kernel && earlier.kernel != later.kernel) return false;
  if (!earlier.role.empty() && earlier.role != later.role) return false;
  if (!earlier.module.empty() && earlier.module != later.module) return false;
  if (!earlier.inside.empty() && earlier.inside != later.inside) return false;
  if (earlier.leaf_only && !later.leaf_only) return false;
  return earlier.fallback == later.fallback;
}

/// A pattern that matches another's text, stars included, matches all that the other does.
bool is_covered(const RuleSet& rules, std::size_t index, const std::string& pattern) {
  return std::any_of(rules.rules.begin(), rules.rules.begin() + static_cast<std::ptrdiff_t>(index),
                     [&](const Rule& earlier) {
                       return applies_wherever(earlier, rules.rules[index]) &&
                              std::ranges::any_of(earlier.frames, [&](const std::string& other) {
                                return glob_matches(other, pattern);
                              });
                     });
}

void check_rule(const RuleSet& rules, std::size_t index, std::vector<RuleFinding>& findings) {
  const Rule& rule = rules.rules[index];
  const bool is_unreachable = std::ranges::all_of(
      rule.frames, [&](const std::string& pattern) { return is_covered(rules, index, pattern); });
  if (is_unreachable) {
    findings.push_back(finding(
        rule, "unreachable",
        fmt::format("rule {} never decides: earlier rules match all that it does", rule.id)));
    return;
  }
  const auto decided = decided_by(rules, rule);
  if (!decided) {
    findings.push_back(
        finding(rule, "example", fmt::format("no rule decides the example of rule {}", rule.id)));
  } else if (*decided != index) {
    findings.push_back(finding(rule, "example",
                               fmt::format("the example of rule {} is decided by rule {}", rule.id,
                                           rules.rules[*decided].id)));
  }
  if (rule.title.empty() || rule.description.empty()) {
    findings.push_back(finding(
        rule, "no-description",
        fmt::format("rule {} has no title or no description; say what it stands for", rule.id)));
  }
}

}  // namespace

std::vector<RuleFinding> check_rules(const RuleSet& rules, const std::string& origin) {
  std::vector<RuleFinding> findings;
  for (std::size_t i = 0; i < rules.rules.size(); ++i) {
    if (origin.empty() || rules.rules[i].origin == origin) check_rule(rules, i, findings);
  }
  for (std::size_t i = 0; i < rules.categories.size(); ++i) {
    const bool is_filled =
        std::ranges::any_of(rules.rules, [&](const Rule& rule) { return rule.category == i; });
    const Category& category = rules.categories[i];
    if (is_filled || (!origin.empty() && category.origin != origin)) continue;
    findings.push_back({category.origin, "/categories", "unused-category",
                        fmt::format("no rule fills category {}", category.id)});
  }
  return findings;
}

}  // namespace vfsprof::reports
