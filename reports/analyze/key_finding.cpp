#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <tuple>

#include "reports/analyze/explain.h"
#include "reports/analyze/text.h"

namespace vfsprof::reports {
namespace {

std::string interval_words(const MetricComparison& metric) {
  if (!metric.interval) return metric.note;
  return fmt::format("{:.1f} % interval of the ratio {:.3f} to {:.3f}, {} pairs of rounds",
                     100 * metric.interval->confidence, metric.interval->interval.low,
                     metric.interval->interval.high, metric.pairs);
}

std::string verdict_words(const MetricComparison& metric, const std::string& before,
                          const std::string& after, double margin) {
  switch (metric.verdict) {
    case Verdict::kImproved:
      return fmt::format("**Improved**: {} costs less CPU per operation than {}", after, before);
    case Verdict::kRegressed:
      return fmt::format("**Regressed**: {} costs more CPU per operation than {}", after, before);
    case Verdict::kEquivalent:
      return fmt::format(
          "**Equivalent**: {} and {} cost the same CPU per operation within {:.0f} %", after,
          before, 100 * margin);
    case Verdict::kUndecided:
    case Verdict::kVoid:
      break;
  }
  return fmt::format("**Undecided**: whether {} costs more or less CPU per operation than {}",
                     after, before);
}

/// Two recordings: what an operation costs is not known, only how the shares differ.
std::string share_words(const Report& report, const Comparison& comparison) {
  const std::string before = code(report.arms[comparison.before].arm.name);
  const std::string after = code(report.arms[comparison.after].arm.name);
  std::string text = fmt::format(
      "{} against {}: neither counts operations, so which of them costs less is unavailable; the "
      "comparison is of shares.",
      before, after);
  std::vector<std::string> words;
  for (const CategoryChange& change : comparison.changes) {
    if (change.role.empty() || change.verdict == CellVerdict::kNotSignificant) continue;
    if (words.size() == 3) break;
    words.push_back(fmt::format("{} in {} ({} and {})", change.title, code(change.role),
                                format_printed_share(change.before.printed_share),
                                format_printed_share(change.after.printed_share)));
  }
  if (!words.empty()) {
    text += fmt::format(" The largest rows whose share moved: {}.", join_words(words));
  } else if (comparison.changes_judged) {
    text += " No share moved by more than chance explains.";
  }
  return text;
}

std::string comparison_words(const Report& report, const Comparison& comparison) {
  const std::string before = code(report.arms[comparison.before].arm.name);
  const std::string after = code(report.arms[comparison.after].arm.name);
  if (comparison.verdict == Verdict::kVoid) {
    return fmt::format("**Void**: {} and {} cannot be compared, because {}.", before, after,
                       join_words(comparison.void_reasons));
  }
  if (report.arms[comparison.before].operations == 0) return share_words(report, comparison);
  const auto found = std::find_if(comparison.metrics.begin(), comparison.metrics.end(),
                                  [](const MetricComparison& metric) { return metric.decides; });
  if (found == comparison.metrics.end() || found->pairs == 0) {
    return fmt::format("**Undecided**: {} and {} have no pair of timing rounds with CPU time.",
                       before, after);
  }
  std::string text = fmt::format("{}: {} against {} ({}; {}).",
                                 verdict_words(*found, before, after, report.equivalence_margin),
                                 format_duration(found->after), format_duration(found->before),
                                 format_change(found->ratio), interval_words(*found));
  if (found->verdict == Verdict::kUndecided && found->minimum_detectable_effect) {
    text += fmt::format(" These rounds would have shown a change of {:.1f} % or more.",
                        100 * *found->minimum_detectable_effect);
  }
  for (const CategoryChange& change : comparison.changes) {
    if (!change.role.empty() || change.id != "futex") continue;
    text += fmt::format(
        " Futex work, over all threads, {}: {} and {} of the whole, {} and {} per operation.",
        change.verdict == CellVerdict::kNotSignificant ? "did not change significantly"
                                                       : "is " + to_string(change.verdict),
        format_printed_share(change.before.printed_share),
        format_printed_share(change.after.printed_share),
        format_duration(change.before.cost_ns.value), format_duration(change.after.cost_ns.value));
  }
  return text + wait_change(comparison);
}

struct LargestRow {
  const RoleTable* role;
  const CategoryRow* row;
};

std::string work_words(const ArmSummary& arm, const std::string& scenario) {
  if (arm.operations == 0) {
    return fmt::format("{} holds {} samples and no count of operations: shares only.",
                       code(arm.arm.name), format_count(arm.profile ? arm.profile->samples : 0));
  }
  return fmt::format("{} on {} does {} operations per second at {} of CPU time per operation.",
                     code(arm.arm.name), code(scenario), format_number(arm.operations_per_second),
                     format_duration(arm.cpu_ns));
}

/// "17.15 %, 8.65 µs per operation", the cost where it is known.
std::string size_words(const ArmSummary& arm, const CpuTime& time) {
  std::string text = format_printed_share(time.printed_share);
  if (arm.operations > 0) {
    text += fmt::format(", {} per operation", format_duration(time.cost_ns.value));
  }
  return text;
}

std::string arm_words(const ArmSummary& arm, const std::string& scenario) {
  std::string text = work_words(arm, scenario);
  if (!arm.profile || arm.profile->samples == 0) return text + " No samples were taken.";
  std::vector<LargestRow> rows;
  for (const RoleTable& role : arm.profile->roles) {
    for (const CategoryRow& row : role.rows) rows.push_back({&role, &row});
  }
  std::sort(rows.begin(), rows.end(), [](const LargestRow& a, const LargestRow& b) {
    return std::tie(b.row->time.weight_ns, a.role->role, a.row->id) <
           std::tie(a.row->time.weight_ns, b.role->role, b.row->id);
  });
  if (rows.size() > 3) rows.resize(3);
  std::vector<std::string> words;
  for (const auto& [role, row] : rows) {
    words.push_back(
        fmt::format("{} in {} ({})", row->title, code(role->role), size_words(arm, row->time)));
  }
  text += fmt::format(" The largest rows are {}.", join_words(words));
  for (const GroupTotal& group : arm.profile->groups) {
    if (group.group != "futex") continue;
    const std::string cost =
        arm.operations > 0
            ? fmt::format(", {} per operation", format_duration(group.time.cost_ns.value))
            : "";
    text += fmt::format(" Futex work takes {} over all threads{}.",
                        format_printed_share(group.time.printed_share), cost);
  }
  if (arm.waits) text += wait_finding(*arm.waits);
  return text;
}

/// "generator 198 ns, file system 620 ns, FUSE 14.1 µs": one variant on several targets.
std::string layer_words(const Report& report) {
  std::string text;
  for (const LayerReport& variant : report.layers) {
    std::vector<std::string> words;
    for (const LayerCost& layer : variant.layers) {
      if (layer.rounds == 0) continue;
      words.push_back(fmt::format("{} {}", layer.layer, format_duration(layer.cpu_ns.value)));
    }
    if (words.size() < 2) continue;
    text += fmt::format("{}An operation of {} costs CPU time in layers: {}.",
                        text.empty() ? "" : " ", code(report.scenario.name), join_words(words));
  }
  return text;
}

}  // namespace

std::string key_finding(const Report& report) {
  std::string text;
  for (const Comparison& comparison : report.comparisons) {
    text += (text.empty() ? "" : " ") + comparison_words(report, comparison);
  }
  if (const std::string layers = layer_words(report); !layers.empty()) {
    text += (text.empty() ? "" : " ") + layers;
  }
  if (text.empty() && !report.arms.empty()) {
    const ArmSummary& arm = report.arms.front();
    text = arm.timing_rounds + arm.profiling_rounds == 0
               ? fmt::format("{} has no round that counts: there is nothing to report.",
                             code(arm.arm.name))
               : arm_words(arm, report.scenario.name);
  }
  if (report.partial) text += " The run was interrupted: fewer rounds than planned.";
  return text;
}

}  // namespace vfsprof::reports
