#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reports/model/run_result.h"

namespace vfsprof::reports {

/// A part of a program's CPU time that a remedy works on, and how much of it goes away.
struct EvidencePart {
  std::vector<std::string> categories;  ///< ids, "group:NAME", or "*" for all
  std::vector<std::string> roles;       ///< thread roles; empty: all
  std::vector<std::string> frames;      ///< globs; one must match a frame of the stack; empty: any
  std::vector<std::string> without;     ///< globs; none may match a frame of the stack
  double removes_low = 0;               ///< of this part (0 to 1), at least and at most
  double removes_high = 0;
  std::string per;  ///< a metric that falls to `to`: both are multiplied by 1 - to / metric
  double to = 1;
};

/// Bounds on a metric of an arm (analyze/arm_facts.h). A metric that nobody measured meets none.
struct MetricCondition {
  std::string metric;
  std::optional<double> at_least;
  std::optional<double> below;
};

/// An axis of a variant and the values at which a rule applies; "!VALUE": any but this one.
struct AxisCondition {
  std::string axis;
  std::vector<std::string> values;
};

enum class Complexity { kLow, kMedium, kHigh };

/// To which programs a rule applies: where an axis is named, to variants that have it.
enum class RuleScope { kReference, kElsewhere };

/// A sample that counts as evidence for a rule.
struct OpportunityExample {
  std::string role;
  std::vector<std::string> stack;  ///< leaf first; frames of the kernel end in "_[k]"
};

/// When something is worth changing, why it is slow, and what to do about it. Sentences may hold
/// {METRIC}, {axis:NAME}, {share}, {cost} and {roles}; one whose figure nobody measured is left
/// out.
struct OpportunityRule {
  std::string id;
  std::string title;
  RuleScope scope = RuleScope::kElsewhere;
  std::vector<AxisCondition> axes;  ///< all must hold
  std::vector<MetricCondition> conditions;
  std::vector<EvidencePart> evidence;  ///< a sample counts in the first part that it matches
  std::vector<std::string> problem;
  std::vector<std::string> cause;
  std::string remedy;
  std::vector<NamedValue> changes;  ///< axes to set; empty: the remedy is text only
  Complexity complexity = Complexity::kMedium;
  std::string why;  ///< where the parts that go away come from
  OpportunityExample example;
  std::string origin;   ///< the file that it was read from
  std::string pointer;  ///< and where in it (JSON pointer)
};

/// "low", "medium", "high".
std::string_view to_string(Complexity complexity);

}  // namespace vfsprof::reports
