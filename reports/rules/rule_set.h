#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reports/model/run_result.h"
#include "reports/rules/opportunity_rule.h"

namespace vfsprof::reports {

/// What a thread spends its time on, as readers of a report know it: a row of its tables.
struct Category {
  std::string id;
  std::string title;
  std::string description;
  std::string group;        ///< related categories are also summed, over all threads; empty: none
  std::string origin = {};  ///< the file that it was read from
};

/// Puts a stack into a category when one of its frames matches.
struct Rule {
  std::string id;
  std::string title;
  std::string description;
  std::size_t category = 0;  ///< index into RuleSet::categories
  std::vector<std::string>
      frames;  ///< names or globs (`*`) over normalised function names; one must match
  std::optional<bool> kernel;  ///< only kernel frames, only user frames
  std::string role;            ///< only threads of this role; empty: all
  std::string module;          ///< glob over the frame's module; empty: all
  std::vector<std::string>
      inside;              ///< only below a frame that one of these matches; empty: anywhere
  bool leaf_only = false;  ///< only the innermost frame of a stack
  bool fallback = false;   ///< only in a stack of which no other rule matches any frame
  std::vector<std::string> example;  ///< a stack that this rule decides, leaf first
  std::string origin;                ///< the file that it was read from
  std::string pointer;               ///< and where in it (JSON pointer)
};

/// Categories, the rules that fill them, and what is recommended by them.
///
/// A stack is walked from its leaf outward: the first frame that any rule matches decides, for one
/// frame the first rule of the list. Where none does, the same again with the rules that are
/// fallbacks: what a function does by its name counts only where no caller says what for. A stack
/// that no rule matches is `unclassified`.
struct RuleSet {
  std::vector<Category> categories;
  std::vector<Rule> rules;
  std::vector<OpportunityRule> opportunities;  ///< what reports recommend
};

/// The row of samples that no rule matched, and of kernel time that could not be sampled: in every
/// rule set.
inline constexpr std::string_view kUnclassified = "unclassified";
inline constexpr std::string_view kKernelNotResolved = "kernel-not-resolved";

/// Loads rules from JSON text (schema/rules.schema.json; the files of this folder are the model).
/// Errors: FormatError that names `origin` and the place in it; also for a rule that could match a
/// module or an outermost frame alone, which would hide what is not understood.
RuleSet rules_from_json(std::string_view text, const std::string& origin);

/// `base` with the rules of a file over it: a category, rule or opportunity with an id of the base
/// replaces that one in its place, all others stand before the base's. Errors: as of
/// rules_from_json.
RuleSet extend_rules(RuleSet base, std::string_view text, const std::string& origin);

/// The rules that are compiled in (kRuleFiles, in that order).
RuleSet default_rules();

}  // namespace vfsprof::reports
