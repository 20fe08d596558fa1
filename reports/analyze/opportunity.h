#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reports/analyze/statistics.h"
#include "reports/model/run_result.h"
#include "reports/rules/opportunity_rule.h"

namespace vfsprof::reports {

// What is worth changing, as part of a report (report.h). Shares and impacts are of the arm's whole
// CPU time, 0 to 1.

/// An opportunity is listed if the lower bound of its impact reaches this, unless asked otherwise.
inline constexpr double kDefaultThreshold = 0.05;

enum class Priority { kHigh, kMedium, kLow };

/// A category of a thread role, as far as it is evidence.
struct EvidenceCell {
  std::string role;
  std::string category;  ///< id
  std::string title;
  double share = 0;  ///< of the arm's whole
};

/// Call stacks that agree from their outer end to the frame that decided their category, or, where
/// those are many, in the last of these frames.
struct CarryingStack {
  std::string role;
  std::string category;             ///< id
  std::vector<std::string> frames;  ///< outermost first
  bool is_whole = true;             ///< false: outer frames were left out
  double share = 0;                 ///< of the evidence
};

/// What is said of everything that is worth changing, wherever its evidence is.
struct Recommendation {
  std::string id;
  std::string title;
  Priority priority = Priority::kMedium;
  Complexity complexity = Complexity::kMedium;
  std::string problem;
  std::string cause;
  std::string remedy;
  std::vector<NamedValue> changes;  ///< axes to set; empty: the remedy is text only
  std::string variant;              ///< the arm with these changes; empty: as above
  double share = 0;                 ///< of the evidence, in its whole
  Interval share_interval;
  Interval impact;  ///< what of the same whole is expected to go away
  std::string derivation;
};

/// Found in samples of CPU time, which is the whole. The predicted ratio after / before is
/// 1 - impact.high to 1 - impact.low.
struct Opportunity : Recommendation {
  std::uint64_t samples = 0;          ///< of the evidence
  std::optional<double> cost_ns;      ///< per operation; nothing where those were not counted
  std::vector<EvidenceCell> cells;    ///< largest first
  std::vector<CarryingStack> stacks;  ///< largest first, 80 % of the evidence or more
  double stacks_share = 0;            ///< of the evidence
};

/// A rule whose evidence was found, but not enough of it.
struct UnlistedOpportunity {
  std::string id;
  std::string title;
  Interval impact;
};

/// Futex calls at one word from one call site.
struct WaitSite {
  std::string role;
  std::string site;           ///< the program's function (waits.h)
  std::uint64_t calls = 0;    ///< that sleep, or that wake
  std::uint64_t in_vain = 0;  ///< of them: EAGAIN, or nobody woken
  std::uint64_t time_ns = 0;  ///< elapsed in calls that sleep, CPU time of those that wake
};

/// What is counted of the threads of one role.
struct WaitPart {
  std::string role;
  double part_ns = 0;
  double whole_ns = 0;  ///< of the whole that the measure names
  double share() const { return whole_ns > 0 ? part_ns / whole_ns : 0; }
};

/// Waiting that is worth ending, found in the ledgers of waits. Its shares and impact are of
/// another whole than those of CPU time, and are never taken together with them.
struct WaitOpportunity : Recommendation {
  WaitMeasure measure = WaitMeasure::kTime;
  std::string word;  ///< its name, or its call sites
  bool named = false;
  WordPurpose purpose = WordPurpose::kOther;
  std::size_t rounds = 0;
  std::uint64_t calls = 0;      ///< what is counted, of all roles
  std::vector<WaitPart> parts;  ///< by role; the first is what share and impact are of
  double per_unit_ns = 0;  ///< of all roles, per operation, or per second where none were counted
  bool per_operation = true;
  std::vector<WaitSite> waiting, waking;  ///< largest first
};

/// What of an arm's waiting is worth ending.
struct WaitsFound {
  std::string missing;                  ///< what could not be looked for, and why; empty if nothing
  std::vector<WaitOpportunity> listed;  ///< by priority, then by impact
  std::vector<UnlistedOpportunity> unlisted;
};

/// What is worth changing in one arm.
struct ArmOpportunities {
  std::size_t arm = 0;              ///< index into Report::arms
  std::string absent;               ///< why nothing could be looked for; empty if it could
  std::string limits;               ///< what could not be seen; empty if all could
  std::vector<Opportunity> listed;  ///< by priority, then by impact
  std::vector<UnlistedOpportunity> unlisted;
  /// All listed together, compounded, evidence of several counted once; nothing if none is listed.
  std::optional<Interval> combined;
  WaitsFound waits;  ///< of another whole: no part of `combined`
  std::vector<std::string> next_steps;
};

std::string to_string(Priority priority);

}  // namespace vfsprof::reports
