#pragma once

#include <string>
#include <vector>

#include "reports/rules/rule_set.h"

namespace vfsprof::reports {

/// A rule, category or opportunity that does not do what it was written for.
struct RuleFinding {
  std::string origin;   ///< file
  std::string pointer;  ///< where in it (JSON pointer)
  std::string check;    ///< "example", "unreachable", "unused-category", "no-description"
  std::string message;
};

/// What is wrong with the rules that come from `origin` (empty: with all), among all others of the
/// set: an example that the rule does not decide, a rule that never decides since earlier ones
/// match all that it does, a category that no rule fills, rules without title or description; an
/// opportunity whose example is no evidence for it, a part of its evidence that counts nothing
/// since earlier parts take all that it names. What a rule may not be at all, the loader has
/// refused before.
std::vector<RuleFinding> check_rules(const RuleSet& rules, const std::string& origin = "");

}  // namespace vfsprof::reports
