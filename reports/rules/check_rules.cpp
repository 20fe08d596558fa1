#include "reports/rules/check_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "reports/rules/classifier.h"
#include "reports/rules/function_name.h"
#include "reports/rules/opportunity_rules.h"

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

/// The category of an opportunity's example; frames of the kernel end in "_[k]", as in folded
/// stacks.
Category category_of_example(const RuleSet& rules, const OpportunityExample& example,
                             std::vector<std::string>& names) {
  constexpr std::string_view kKernelMark = "_[k]";
  Profile profile;
  std::vector<std::uint32_t>& stack = profile.stacks.emplace_back();
  for (std::string name : example.stack) {
    const bool is_kernel = name.ends_with(kKernelMark);
    if (is_kernel) name.resize(name.size() - kKernelMark.size());
    names.push_back(normalise_function(name));
    stack.push_back(static_cast<std::uint32_t>(profile.frames.size()));
    profile.frames.push_back(
        {is_kernel ? FrameKind::kKernel : FrameKind::kUser, std::move(name), {}});
  }
  const auto decided = Classifier(rules, profile).classify(0, example.role);
  return decided
             ? rules.categories[rules.rules[decided->rule].category]
             : Category{
                   .id = std::string(kUnclassified), .title = {}, .description = {}, .group = {}};
}

/// Whether an earlier part counts whatever this one would.
bool is_taken(const EvidencePart& earlier, const EvidencePart& part) {
  const auto names = [&](const std::string& id) {
    return std::ranges::find(earlier.categories, id) != earlier.categories.end() ||
           std::ranges::find(earlier.categories, "*") != earlier.categories.end();
  };
  const auto has_role = [&](const std::string& role) {
    return std::ranges::find(earlier.roles, role) != earlier.roles.end();
  };
  return earlier.without.empty() && (earlier.frames.empty() || earlier.frames == part.frames) &&
         std::ranges::all_of(part.categories, names) &&
         (earlier.roles.empty() ||
          (!part.roles.empty() && std::ranges::all_of(part.roles, has_role)));
}

void check_opportunity(const RuleSet& rules, const OpportunityRule& rule,
                       std::vector<RuleFinding>& findings) {
  const auto add = [&](std::string check, const std::string& place, std::string message) {
    findings.push_back({rule.origin, rule.pointer + place, std::move(check), std::move(message)});
  };
  std::vector<std::string> names;
  const Category category = category_of_example(rules, rule.example, names);
  if (rule.waits) {
    if (!looks_at(*rule.waits, {rule.example.word, rule.example.purpose, names})) {
      add("example", "/example",
          fmt::format("the example of opportunity {} is no call that it looks at", rule.id));
    }
  } else if (!part_that_holds(rule, category, rule.example.role, names)) {
    add("example", "/example",
        fmt::format("the example of opportunity {} is no evidence for it; its category is {}",
                    rule.id, category.id));
  }
  for (std::size_t i = 1; i < rule.evidence.size(); ++i) {
    for (std::size_t earlier = 0; earlier < i; ++earlier) {
      if (!is_taken(rule.evidence[earlier], rule.evidence[i])) continue;
      add("unreachable", fmt::format("/evidence/{}", i),
          fmt::format("part {} of the evidence of opportunity {} counts nothing: part {} takes all "
                      "that it names",
                      i + 1, rule.id, earlier + 1));
      break;
    }
  }
  if (rule.problem.empty() || rule.cause.empty() || rule.why.empty()) {
    add("no-description", "",
        fmt::format("opportunity {} does not say problem, cause and why the remedy helps",
                    rule.id));
  }
}

}  // namespace

std::vector<RuleFinding> check_rules(const RuleSet& rules, const std::string& origin) {
  std::vector<RuleFinding> findings;
  for (std::size_t i = 0; i < rules.rules.size(); ++i) {
    if (origin.empty() || rules.rules[i].origin == origin) check_rule(rules, i, findings);
  }
  for (const OpportunityRule& rule : rules.opportunities) {
    if (origin.empty() || rule.origin == origin) check_opportunity(rules, rule, findings);
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
