#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reports/model/run_result.h"

namespace vfsprof::reports {

/// What a thread spends its time on, as readers of a report know it: a row of its tables.
struct Category {
  std::string id;
  std::string title;
  std::string description;
  std::string group;  ///< related categories are also summed, over all threads; empty: none
};

/// Puts a stack into a category when one of its frames matches.
struct Rule {
  std::size_t category = 0;  ///< index into RuleSet::categories
  std::vector<std::string>
      frames;  ///< names or globs (`*`) over normalised function names; one must match
  std::optional<bool> kernel;  ///< only kernel frames, only user frames
  std::string role;            ///< only threads of this role; empty: all
  std::string module;          ///< glob over the frame's module; empty: all
  std::vector<std::string>
      inside;              ///< only below a frame that one of these matches; empty: anywhere
  bool leaf_only = false;  ///< only the innermost frame of a stack
  std::vector<std::string> example;  ///< a stack that this rule decides, leaf first
};

/// Categories, and the rules that fill them.
///
/// A stack is walked from its leaf outward: the first frame that any rule matches decides, for one
/// frame the first rule of the list. A stack that no rule matches is `unclassified`.
struct RuleSet {
  std::vector<Category> categories;
  std::vector<Rule> rules;
};

/// The row of samples that no rule matched, and of kernel time that could not be sampled: in every
/// rule set.
inline constexpr std::string_view kUnclassified = "unclassified";
inline constexpr std::string_view kKernelNotResolved = "kernel-not-resolved";

/// Loads rules from JSON text (rules/default.json is the model).
/// Errors: FormatError that names `origin` and the place in it; also for a rule that could match a
/// module or an outermost frame alone, which would hide what is not understood.
RuleSet rules_from_json(std::string_view text, const std::string& origin);

/// The rules that are compiled in (rules/default.json).
RuleSet default_rules();

}  // namespace vfsprof::reports
