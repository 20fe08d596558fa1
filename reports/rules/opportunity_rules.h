#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reports/rules/rule_set.h"

namespace vfsprof::reports {

class JsonReader;

/// Reads the list "opportunities" of a file of rules (rules/opportunities.json is the model). One
/// with an id that `rules` has replaces that one in its place; the others are returned.
/// `rules.categories` has what evidence may name.
/// Errors: FormatError that names `origin` and the place in it.
std::vector<OpportunityRule> read_opportunity_rules(const JsonReader& list,
                                                    const std::string& origin, RuleSet& rules);

/// The first part of the evidence that holds such a sample; nothing: none does. `names` are the
/// stack's functions as rules see them (normalise_function).
std::optional<std::size_t> part_that_holds(const OpportunityRule& rule, const Category& category,
                                           const std::string& role,
                                           std::span<const std::string> names);

/// A futex call, as rules see it.
struct WaitCall {
  std::string_view word;  ///< as the program named it; empty: it did not
  WordPurpose purpose = WordPurpose::kOther;
  std::span<const std::string> names;  ///< the stack's functions (normalise_function)
};

/// Whether a rule looks at such a call.
bool looks_at(const WaitEvidence& evidence, const WaitCall& call);

/// Whether a part of the evidence asks for this category, by id, group or "*".
bool names_category(const EvidencePart& part, const Category& category);

/// What the threads of a role are for.
struct RoleNote {
  std::string role;
  std::string note;
};

/// rules/roles.json.
std::vector<RoleNote> default_role_notes();

}  // namespace vfsprof::reports
