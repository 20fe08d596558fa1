#pragma once

#include <cstdint>
#include <vector>

#include "reports/analyze/evidence.h"
#include "reports/analyze/opportunity.h"
#include "reports/analyze/report.h"
#include "reports/rules/rule_set.h"

namespace vfsprof::reports {

/// How opportunities are looked for.
struct OpportunityOptions {
  double threshold = kDefaultThreshold;  ///< of the impact's lower bound, 0 to 1
  std::uint64_t seed = 0;
};

/// What the rules for opportunities find worth changing in an arm. `arm` needs its tables; `arm` of
/// the result and `next_steps` are left to the caller.
///
/// An impact is what of the evidence goes away, as the rule says, over the whole: its lower bound
/// is the lower bound of the least, its upper bound the upper bound of the most. Nothing is
/// recommended that the arm's axes have already.
ArmOpportunities find_opportunities(const ArmSummary& arm, const AnalysedProfile& analysed,
                                    const RuleSet& rules, const OpportunityOptions& options);

/// Whether an arm has the axes that a rule asks for, or none where it is for other programs.
bool rule_applies(const OpportunityRule& rule, const ArmSummary& arm);

/// What a rule says by itself, for this arm: all but figures, and texts with figures in them.
void take_rule(Recommendation& found, const OpportunityRule& rule, const ArmSummary& arm);

/// The text of a variant with these changes: "mutex-pool,executor=sync". A change of an axis that
/// `variant` names takes its place.
std::string variant_with(const std::string& variant, const std::vector<NamedValue>& changes);

}  // namespace vfsprof::reports
