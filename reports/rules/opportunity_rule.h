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

/// What is counted of a ledger of waits, and of which whole it is a part.
enum class WaitMeasure {
  kTime,          ///< time asleep at a word; of the time at work of the threads that sleep
  kUselessWakes,  ///< CPU time of wake calls that woke nobody; of the process's, while it was
                  ///< traced
  kRetries,       ///< CPU time of waits that ended with EAGAIN; likewise
};

/// Futex calls that a remedy works on, and how much of what they take goes away.
struct WaitEvidence {
  WaitMeasure measure = WaitMeasure::kTime;
  std::vector<std::string> words;     ///< globs; of a word that the program named; empty: any
  std::vector<WordPurpose> purposes;  ///< likewise
  std::vector<std::string> frames;   ///< globs; at a word without a name, one must match a frame of
                                     ///< the call; empty: any
  std::vector<std::string> without;  ///< globs; none may match a frame of the call
  double at_least = 0;     ///< of the calls at the word, how many must be counted (0 to 1)
  double removes_low = 0;  ///< of what is counted (0 to 1), at least and at most
  double removes_high = 0;
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
enum class RuleScope { kReference, kElsewhere, kEverywhere };

/// A sample or a futex call that counts as evidence for a rule.
struct OpportunityExample {
  std::string role;
  std::vector<std::string> stack;  ///< leaf first; frames of the kernel end in "_[k]"
  std::string word;                ///< of a call; empty: the program has no name for it
  WordPurpose purpose = WordPurpose::kOther;
};

/// When something is worth changing, why it is slow, and what to do about it. Sentences may hold
/// {METRIC}, {axis:NAME}, {share}, {cost} and {roles} (with `waits`: {word}, {roles}, {waiting},
/// {waking}, {mean}, {counted}, {beside}); one whose figure nobody measured is left out.
struct OpportunityRule {
  std::string id;
  std::string title;
  RuleScope scope = RuleScope::kElsewhere;
  std::vector<AxisCondition> axes;  ///< all must hold
  std::vector<MetricCondition> conditions;
  std::vector<EvidencePart> evidence;  ///< a sample counts in the first part that it matches
  std::optional<WaitEvidence> waits;   ///< in place of samples: calls of the ledgers of waits
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
