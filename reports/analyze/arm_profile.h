#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "reports/analyze/bootstrap.h"
#include "reports/model/run_result.h"
#include "reports/rules/rule_set.h"

namespace vfsprof::reports {

/// One category of one thread role.
struct Cell {
  std::string role;
  std::size_t category = 0;  ///< index as in `category_of`
  std::uint64_t samples = 0;
  std::uint64_t weight_ns = 0;
  std::map<std::string, std::uint64_t> deciding;  ///< deciding frame's name to weight
  std::map<std::string, std::uint64_t> leaves;    ///< innermost frame's name to weight
  std::map<std::string, std::uint64_t> chains;  ///< of `unclassified`: innermost callers to weight
};

/// The profiling rounds of one arm, classified.
struct ArmProfile {
  std::vector<Cell> cells;
  std::vector<ResampledRound> rounds;  ///< columns are `cells`
  std::vector<const Round*> sources;   ///< the rounds they were made of
  std::uint64_t total_ns = 0;          ///< weight of all cells
  std::set<std::string>
      kept_roles;  ///< roles with cells of their own; all others share kOtherThreads

  /// The role under which a thread's time is found.
  const std::string& shown_role(const Thread& thread) const;
};

/// How many roles have tables of their own, the heaviest ones: a bound on the size of report and
/// analysis.
inline constexpr std::size_t kMostRoles = 100;
inline const std::string kOtherThreads = "(other threads)";

/// The category behind a cell's index: the rule set's, then the built-in rows.
const Category& category_of(const RuleSet& rules, std::size_t index);

/// Classifies every sample of these rounds (those without a profile are skipped). Where the kernel
/// could not be sampled, each thread role gets the cell `kernel-not-resolved`: its CPU time by the
/// scheduler's account beyond what was sampled.
ArmProfile classify_rounds(const std::vector<const Round*>& rounds, const RuleSet& rules);

/// Client operations of all kinds.
std::uint64_t operations_of(const Round& round);

}  // namespace vfsprof::reports
