#include "reports/analyze/opportunities.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <tuple>

#include "reports/analyze/arm_facts.h"
#include "reports/analyze/recommend.h"
#include "reports/analyze/text.h"

namespace vfsprof::reports {
namespace {

constexpr std::string_view kCallSites = "call_sites";
// Evidence that could at most give this much is not worth a word.
constexpr double kNotable = 0.01;
constexpr std::size_t kCellsNamed = 4;

/// One rule on one arm: its evidence and the figures that its texts name.
class Candidate {
 public:
  Candidate(const OpportunityRule& rule, const ArmSummary& arm, const Evidence& evidence)
      : rule_(&rule), arm_(&arm), evidence_(&evidence), claim_(evidence.claim(rule.evidence)) {}

  bool meets_conditions() const {
    return std::ranges::all_of(rule_->conditions, [&](const MetricCondition& condition) {
      const auto value = metric(condition.metric);
      return value && *value >= condition.at_least.value_or(-HUGE_VAL) &&
             *value < condition.below.value_or(HUGE_VAL);
    });
  }

  std::optional<double> metric(std::string_view name) const {
    if (name == kCallSites) return static_cast<double>(evidence_->call_sites(claim_));
    return fact_of(*arm_, name);
  }

  /// What goes away of each part. A part whose metric nobody measured gives nothing.
  std::vector<Removal> removals() const {
    std::vector<Removal> result;
    for (const EvidencePart& part : rule_->evidence) {
      double factor = 1;
      if (!part.per.empty()) {
        const double value = metric(part.per).value_or(part.to);
        factor = value > part.to ? 1 - part.to / value : 0;
      }
      result.push_back({part.removes_low * factor, part.removes_high * factor});
    }
    return result;
  }

  /// Sentences with their figures in place.
  std::string sentences(const std::vector<std::string>& texts, const Opportunity& found) const {
    return fill_in(texts, [&](std::string_view name) { return figure(name, found); });
  }

  const OpportunityRule& rule() const { return *rule_; }
  const Evidence::Claim& claim() const { return claim_; }

 private:
  std::optional<std::string> figure(std::string_view name, const Opportunity& found) const {
    if (name == "share") return format_share(found.share);
    if (name == "roles") return join_words(code(roles_of(found)));
    if (name.starts_with("share:")) {
      const auto share = metric(name);
      return share ? std::optional(format_share(*share)) : std::nullopt;
    }
    if (name == "cost") {
      return found.cost_ns ? std::optional(format_duration(*found.cost_ns)) : std::nullopt;
    }
    if (name.starts_with("axis:")) {
      const std::string value = axis_of(*arm_, name.substr(5));
      return value.empty() ? std::nullopt : std::optional(value);
    }
    const auto value = metric(name);
    return value ? std::optional(format_number(*value)) : std::nullopt;
  }

  static std::vector<std::string> roles_of(const Opportunity& found) {
    std::vector<std::string> roles;
    for (const EvidenceCell& cell : found.cells) {
      if (std::ranges::find(roles, cell.role) == roles.end()) roles.push_back(cell.role);
    }
    return roles;
  }

  const OpportunityRule* rule_;
  const ArmSummary* arm_;
  const Evidence* evidence_;
  Evidence::Claim claim_;
};

Interval impact_of(const Evidence::Shares& shares) {
  return {share_estimate(shares.low).interval->low, share_estimate(shares.high).interval->high};
}

/// "Futex wake in `vfs-io-worker` (17.15 %) and ...", the largest cells.
std::string cells_words(const Opportunity& found) {
  std::vector<std::string> words;
  for (const EvidenceCell& cell : found.cells) {
    if (words.size() == kCellsNamed) break;
    words.push_back(
        fmt::format("{} in {} ({})", cell.title, code(cell.role), format_share(cell.share)));
  }
  return join_words(words);
}

std::string evidence_words(const Opportunity& found) {
  std::string text =
      fmt::format("It takes {} of the CPU time (95 % interval {} to {}, n = {})",
                  format_share(found.share), format_share(found.share_interval.low),
                  format_share(found.share_interval.high), format_count(found.samples));
  if (found.cost_ns) text += fmt::format(", {} per operation", format_duration(*found.cost_ns));
  return text + fmt::format("; its largest parts are {}.", cells_words(found));
}

std::string derivation_words(const Opportunity& found, const Evidence::Shares& shares,
                             const OpportunityRule& rule) {
  const Estimate low = share_estimate(shares.low), high = share_estimate(shares.high);
  return fmt::format(
      "Of the evidence ({}) {:.0f} to {:.0f} % goes away: {}. That is {} to {} of the CPU time; "
      "with "
      "the 95 % intervals of both {} to {}, a predicted ratio after / before of {:.3f} to {:.3f}.",
      format_share(found.share), 100 * low.value / found.share, 100 * high.value / found.share,
      rule.why, format_share(low.value), format_share(high.value), format_share(found.impact.low),
      format_share(found.impact.high), 1 - found.impact.high, 1 - found.impact.low);
}

Opportunity describe(const Candidate& candidate, const ArmSummary& arm, const Evidence& evidence,
                     const Evidence::Shares& shares) {
  const OpportunityRule& rule = candidate.rule();
  const Estimate share = share_estimate(shares.claimed);
  Opportunity found;
  take_rule(found, rule, arm);
  found.samples = evidence.samples(candidate.claim());
  found.share = share.value;
  found.share_interval = *share.interval;
  if (arm.profile->operations > 0) found.cost_ns = shares.claimed.cost_ns;
  found.cells = evidence.cells(candidate.claim());
  found.stacks = evidence.carrying_stacks(candidate.claim());
  for (const CarryingStack& stack : found.stacks) found.stacks_share += stack.share;
  found.impact = impact_of(shares);
  found.priority = priority_of(found.impact, found.complexity);
  found.problem = candidate.sentences(rule.problem, found) + " " + evidence_words(found);
  found.cause = candidate.sentences(rule.cause, found);
  found.derivation = derivation_words(found, shares, rule);
  return found;
}

/// All together: each works on what the ones before it leave, and evidence that several claim
/// counts for the first of them.
Interval combine(const std::vector<std::pair<Opportunity, Candidate>>& listed,
                 const Evidence& evidence, std::uint64_t seed) {
  std::vector<bool> taken(evidence.entries().size(), false);
  double rest_low = 1, rest_high = 1;
  for (const auto& [opportunity, candidate] : listed) {
    Evidence::Claim own = candidate.claim();
    for (std::size_t i = 0; i < own.size(); ++i) {
      if (taken[i]) own[i].reset();
      if (candidate.claim()[i]) taken[i] = true;
    }
    const Interval impact = impact_of(evidence.resample_claim(own, candidate.removals(), seed));
    rest_low *= 1 - impact.low;
    rest_high *= 1 - impact.high;
  }
  return {1 - rest_low, 1 - rest_high};
}

}  // namespace

bool rule_applies(const OpportunityRule& rule, const ArmSummary& arm) {
  const RuleScope own = arm.arm.axes.empty() ? RuleScope::kElsewhere : RuleScope::kReference;
  if (rule.scope != own && rule.scope != RuleScope::kEverywhere) return false;
  return std::ranges::all_of(rule.axes, [&](const AxisCondition& condition) {
    const std::string value = axis_of(arm, condition.axis);
    return !value.empty() && std::ranges::any_of(condition.values, [&](const std::string& wanted) {
      return wanted.starts_with('!') ? wanted.substr(1) != value : wanted == value;
    });
  });
}

void take_rule(Recommendation& found, const OpportunityRule& rule, const ArmSummary& arm) {
  found.id = rule.id;
  found.title = rule.title;
  found.complexity = rule.complexity;
  found.remedy = rule.remedy;
  found.changes = rule.changes;
  if (!rule.changes.empty()) found.variant = variant_with(arm.arm.name, rule.changes);
}

std::string variant_with(const std::string& variant, const std::vector<NamedValue>& changes) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (begin <= variant.size()) {
    const std::size_t end = std::min(variant.find(',', begin), variant.size());
    parts.push_back(variant.substr(begin, end - begin));
    begin = end + 1;
  }
  for (const NamedValue& change : changes) {
    std::erase_if(parts,
                  [&](const std::string& part) { return part.starts_with(change.name + "="); });
    parts.push_back(change.name + "=" + change.value);
  }
  return fmt::format("{}", fmt::join(parts, ","));
}

ArmOpportunities find_opportunities(const ArmSummary& arm, const AnalysedProfile& analysed,
                                    const RuleSet& rules, const OpportunityOptions& options) {
  ArmOpportunities result;
  if (!arm.profile->has_intervals || arm.profile->samples == 0) {
    result.absent = arm.profile->samples == 0
                        ? "no samples were taken"
                        : "all samples lie in one stretch of time, so that no lower bound is known";
    return result;
  }
  if (!arm.profile->kernel_frames) {
    result.limits =
        "kernel code could not be sampled: what would show there (futex work, page faults, disk "
        "writes) is not found";
  }
  const Evidence evidence(analysed, rules);
  std::vector<std::pair<Opportunity, Candidate>> listed;
  for (const OpportunityRule& rule : rules.opportunities) {
    if (rule.waits || !rule_applies(rule, arm)) continue;
    Candidate candidate(rule, arm, evidence);
    if (!candidate.meets_conditions()) continue;
    const std::vector<Removal> removals = candidate.removals();
    if (evidence.estimate(candidate.claim(), removals).high < kNotable) continue;
    const auto shares = evidence.resample_claim(candidate.claim(), removals, options.seed);
    const Interval impact = impact_of(shares);
    if (impact.low < options.threshold) {
      result.unlisted.push_back({rule.id, rule.title, impact});
      continue;
    }
    Opportunity opportunity = describe(candidate, arm, evidence, shares);
    listed.emplace_back(std::move(opportunity), std::move(candidate));
  }
  std::ranges::stable_sort(listed, [](const auto& a, const auto& b) {
    return std::tuple(a.first.priority, -a.first.impact.low) <
           std::tuple(b.first.priority, -b.first.impact.low);
  });
  if (!listed.empty()) result.combined = combine(listed, evidence, options.seed);
  for (auto& [opportunity, candidate] : listed) result.listed.push_back(std::move(opportunity));
  return result;
}

}  // namespace vfsprof::reports
