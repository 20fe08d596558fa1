#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "reports/analyze/arm_summary.h"
#include "reports/analyze/clients.h"
#include "reports/analyze/compare.h"
#include "reports/analyze/control.h"
#include "reports/analyze/document_rows.h"
#include "reports/analyze/explain.h"
#include "reports/analyze/floors.h"
#include "reports/analyze/layers.h"
#include "reports/analyze/lockstep.h"
#include "reports/analyze/opportunities.h"
#include "reports/analyze/profile_tables.h"
#include "reports/analyze/recommend.h"
#include "reports/analyze/report.h"
#include "reports/analyze/text.h"
#include "reports/analyze/wait_opportunities.h"
#include "reports/rules/opportunity_rules.h"

namespace vfsprof::reports {
namespace {

// The variant that stands for the analysis document's program as found (design.md section 4).
constexpr std::string_view kDocumentVariant = "mutex-pool";

// A replay whose median issue error is larger did not keep the recorded pace.
constexpr double kMostIssueError = 0.01;

using Profiles = std::vector<std::optional<AnalysedProfile>>;

/// Void where the arm did not do or leave the same as the first one. That is all that is compared
/// of another target: it has other processes to observe (`layers` sets those beside each other).
Comparison compare_work(const RunResult& result, std::size_t after) {
  Comparison comparison;
  comparison.before = 0;
  comparison.after = after;
  check_same_work(result, comparison);
  if (!comparison.void_reasons.empty()) comparison.verdict = Verdict::kVoid;
  return comparison;
}

Comparison compare_arms(const RunResult& result, const Report& report, const Profiles& profiles,
                        std::size_t after, const RuleSet& rules) {
  Comparison comparison = compare_work(result, after);
  if (comparison.verdict == Verdict::kVoid) return comparison;
  comparison.metrics = compare_metrics(result, 0, after);
  comparison.verdict = comparison.metrics.front().verdict;
  comparison.waits = compare_waits(result, 0, after);
  if (profiles[0] && profiles[after]) {
    const ProfileTables &first = *report.arms[0].profile, &second = *report.arms[after].profile;
    comparison.changes =
        compare_categories({*profiles[0], first}, {*profiles[after], second}, rules);
    if (report.arms[0].operations == 0 && report.arms[after].operations == 0) {
      comparison.bursts =
          compare_bursts(profiles[0]->profile.sources, profiles[after]->profile.sources, rules);
    }
    comparison.changes_judged = first.rounds >= 2 && second.rounds >= 2;
  }
  comparison.explanation = explain_comparison(report.arms[0], report.arms[after], comparison);
  return comparison;
}

/// A line where an arm's clients did not keep their pace; else empty.
std::string unpunctual(const ArmSummary& arm) {
  const auto& kept = arm.clients.punctuality;
  if (!kept || kept->error <= kMostIssueError) return "";
  return fmt::format(
      "{}: operations were issued {} of the time between two of a client late (median), more than "
      "{}, so this was not the pace that was asked for: let nothing else run, or take "
      "--issue-priority",
      arm.arm.name, format_share(kept->error), format_share(kMostIssueError));
}

void add_notes(const std::vector<RoleNote>& notes, ProfileTables& tables) {
  for (RoleTable& role : tables.roles) {
    for (const RoleNote& note : notes) {
      if (note.role == role.role) role.note = note.note;
    }
  }
}

void add_arms(const RunResult& result, const RuleSet& rules, Report& report, Profiles& profiles) {
  const std::vector<RoleNote> notes = default_role_notes();
  for (std::size_t i = 0; i < result.arms.size(); ++i) {
    ArmSummary summary = summarise_arm(result, i);
    const std::uint64_t seed = derive_seed(result.seed, result.arms[i].name);
    profiles.push_back(analyse_profile(rounds_of(result, i).profiling, rules, seed));
    if (profiles.back()) {
      summary.profile = make_profile_tables(*profiles.back(), rules);
      add_notes(notes, *summary.profile);
    }
    summary.waits = analyse_waits(rounds_of(result, i).tracing);
    report.arms.push_back(std::move(summary));
  }
}

void add_document_rows(const RuleSet& rules, Report& report) {
  for (const ArmSummary& arm : report.arms) {
    if (arm.arm.name != kDocumentVariant || !arm.profile) continue;
    report.document_arm = arm.arm.name;
    report.document_rows = find_document_rows(*arm.profile, rules);
    return;
  }
}

void add_opportunities(const RunResult& result, const RuleSet& rules, const Profiles& profiles,
                       Report& report) {
  for (std::size_t i = 0; i < report.arms.size(); ++i) {
    const ArmSummary& arm = report.arms[i];
    ArmOpportunities found;
    if (profiles[i]) {
      const std::uint64_t seed = derive_seed(report.seed, arm.arm.name + " opportunities");
      found = find_opportunities(arm, *profiles[i], rules,
                                 {.threshold = report.threshold, .seed = seed});
    } else {
      found.absent = "there is no profiling round that counts";
    }
    found.arm = i;
    found.waits = find_wait_opportunities(arm, rounds_of(result, i).tracing, rules,
                                          {.threshold = report.threshold,
                                           .placement = report.placement,
                                           .cpus = report.environment.cpus});
    found.next_steps = next_steps(report, found);
    report.opportunities.push_back(std::move(found));
  }
}

}  // namespace

Report build_report(const RunResult& result, const RuleSet& rules, const ReportOptions& options) {
  Report report{.command = result.command,
                .started = result.started,
                .environment = result.environment,
                .scenario = result.scenario,
                .target = result.target,
                .placement = result.placement,
                .seed = result.seed,
                .equivalence_margin = result.equivalence_margin,
                .partial = result.partial,
                .key_finding = {},
                .warm_up = result.warm_up,
                .differences = result.differences,
                .arms = {},
                .comparisons = {},
                .floors = report_floors(result),
                .layers = report_layers(result),
                .lockstep = check_lockstep(result),
                .explanation = {},
                .threshold = options.threshold,
                .opportunities = {},
                .document_arm = {},
                .document_rows = {},
                .capabilities = result.capabilities,
                .warnings = result.warnings};
  Profiles profiles;
  add_arms(result, rules, report, profiles);
  for (std::size_t after = 1; after < report.arms.size(); ++after) {
    if (report.arms[after].arm.target == report.arms.front().arm.target) {
      report.comparisons.push_back(compare_arms(result, report, profiles, after, rules));
    } else if (Comparison comparison = compare_work(result, after);
               comparison.verdict == Verdict::kVoid) {
      report.comparisons.push_back(std::move(comparison));
    }
  }
  for (const ArmSummary& arm : report.arms) {
    if (std::string late = unpunctual(arm); !late.empty()) {
      report.warnings.push_back(std::move(late));
    }
  }
  apply_control(result, report);
  if (report.arms.size() == 1) report.explanation = explain_arm(report.arms.front());
  add_document_rows(rules, report);
  add_opportunities(result, rules, profiles, report);
  report.key_finding = key_finding(report);
  return report;
}

std::string to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kImproved:
      return "improved";
    case Verdict::kRegressed:
      return "regressed";
    case Verdict::kEquivalent:
      return "equivalent";
    case Verdict::kUndecided:
      return "undecided";
    case Verdict::kVoid:
      break;
  }
  return "void";
}

std::string to_string(CellVerdict verdict) {
  switch (verdict) {
    case CellVerdict::kBetter:
      return "better";
    case CellVerdict::kWorse:
      return "worse";
    case CellVerdict::kRenormalised:
      return "renormalised only";
    case CellVerdict::kShareMoved:
      return "share moved";
    case CellVerdict::kNotSignificant:
      return "not significant";
    case CellVerdict::kNew:
      return "new";
    case CellVerdict::kGone:
      break;
  }
  return "gone";
}

}  // namespace vfsprof::reports
