#include "reports/rules/classifier.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "reports/rules/function_name.h"

namespace vfsprof::reports {
namespace {

/// Finds the rules for a name: exact names by hash, globs one by one.
class PatternIndex {
 public:
  explicit PatternIndex(const RuleSet& rules) {
    for (std::size_t i = 0; i < rules.rules.size(); ++i) {
      const auto rule = static_cast<std::uint32_t>(i);
      for (const std::string& pattern : rules.rules[i].frames) {
        if (pattern.find('*') == std::string::npos) {
          exact_[pattern].push_back(rule);
        } else {
          globs_.emplace_back(pattern, rule);
        }
      }
    }
  }

  /// Ascending, without duplicates.
  std::vector<std::uint32_t> rules_for(const std::string& name) const {
    std::vector<std::uint32_t> result;
    if (const auto found = exact_.find(name); found != exact_.end()) result = found->second;
    for (const auto& [pattern, rule] : globs_) {
      if (glob_matches(pattern, name)) result.push_back(rule);
    }
    std::sort(result.begin(), result.end());
    result.erase(std::unique(result.begin(), result.end()), result.end());
    return result;
  }

 private:
  std::unordered_map<std::string, std::vector<std::uint32_t>> exact_;
  std::vector<std::pair<std::string, std::uint32_t>> globs_;
};

bool suits(const Rule& rule, const Frame& frame) {
  if (rule.kernel && *rule.kernel != (frame.kind == FrameKind::kKernel)) return false;
  return rule.module.empty() || glob_matches(rule.module, frame.module);
}

}  // namespace

Classifier::Classifier(const RuleSet& rules, const Profile& profile)
    : rules_(rules), profile_(profile) {
  for (const Rule& rule : rules.rules) {
    if (!rule.role.empty()) roles_.insert(rule.role);
  }
  const PatternIndex index(rules);
  for (const Frame& frame : profile.frames) {
    names_.push_back(frame.function.empty() ? "" : normalise_function(frame.function));
    std::vector<std::uint32_t>& candidates = candidates_.emplace_back();
    if (names_.back().empty()) continue;
    for (const std::uint32_t rule : index.rules_for(names_.back())) {
      if (suits(rules.rules[rule], frame)) candidates.push_back(rule);
    }
  }
}

bool Classifier::is_inside(const Rule& rule, std::uint32_t stack, std::size_t position) const {
  const std::vector<std::uint32_t>& frames = profile_.stacks[stack];
  return std::any_of(frames.begin() + static_cast<std::ptrdiff_t>(position) + 1, frames.end(),
                     [&](std::uint32_t frame) {
                       return std::any_of(rule.inside.begin(), rule.inside.end(),
                                          [&](const std::string& pattern) {
                                            return glob_matches(pattern, names_[frame]);
                                          });
                     });
}

std::optional<std::size_t> Classifier::rule_for(std::uint32_t stack, std::size_t position,
                                                const std::string& role, bool fallback) const {
  for (const std::uint32_t index : candidates_[profile_.stacks[stack][position]]) {
    const Rule& rule = rules_.rules[index];
    if (rule.fallback != fallback) continue;
    if (rule.leaf_only && position > 0) continue;
    if (!rule.role.empty() && rule.role != role) continue;
    if (!rule.inside.empty() && !is_inside(rule, stack, position)) continue;
    return index;
  }
  return std::nullopt;
}

std::optional<Classification> Classifier::walk(std::uint32_t stack, const std::string& role,
                                               bool fallback) const {
  for (std::size_t i = 0; i < profile_.stacks[stack].size(); ++i) {
    if (const auto rule = rule_for(stack, i, role, fallback)) return Classification{*rule, i};
  }
  return std::nullopt;
}

std::optional<Classification> Classifier::classify(std::uint32_t stack, const std::string& role) {
  auto& verdicts = cache_[knows_role(role) ? role : ""];
  if (verdicts.empty()) verdicts.resize(profile_.stacks.size());
  auto& verdict = verdicts[stack];
  if (!verdict) {
    verdict = walk(stack, role, false);
    if (!*verdict) verdict = walk(stack, role, true);
  }
  return *verdict;
}

}  // namespace vfsprof::reports
