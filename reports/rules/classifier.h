#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "reports/model/run_result.h"
#include "reports/rules/rule_set.h"

namespace vfsprof::reports {

/// What decided a stack's category.
struct Classification {
  std::size_t rule = 0;   ///< index into RuleSet::rules
  std::size_t frame = 0;  ///< position in the stack, 0 is the leaf
};

/// Classifies the stacks of one profile by one rule set, each stack once per thread role.
///
/// Cost: linear in frames and stacks; samples then look up a verdict.
/// Threads: not safe, it caches.
class Classifier {
 public:
  /// Both arguments must outlive the classifier.
  Classifier(const RuleSet& rules, const Profile& profile);

  /// The verdict on a stack (an index into the profile's) of a thread of this role; nothing:
  /// unclassified.
  std::optional<Classification> classify(std::uint32_t stack, const std::string& role);

  /// Whether a rule asks for this role. All others are treated alike.
  bool knows_role(const std::string& role) const { return roles_.contains(role); }

  /// The normalised name of a frame, empty where the profile has no name.
  const std::string& name_of(std::uint32_t frame) const { return names_[frame]; }

 private:
  std::optional<std::size_t> rule_for(std::uint32_t stack, std::size_t position,
                                      const std::string& role, bool fallback) const;
  bool is_inside(const Rule& rule, std::uint32_t stack, std::size_t position) const;
  std::optional<Classification> walk(std::uint32_t stack, const std::string& role,
                                     bool fallback) const;

  const RuleSet& rules_;
  const Profile& profile_;
  std::vector<std::string> names_;
  std::vector<std::vector<std::uint32_t>>
      candidates_;               ///< per frame: rules that its name, kind and module satisfy
  std::set<std::string> roles_;  ///< that rules ask for
  /// By role ("" for those that no rule asks for) and stack.
  std::unordered_map<std::string, std::vector<std::optional<std::optional<Classification>>>> cache_;
};

}  // namespace vfsprof::reports
