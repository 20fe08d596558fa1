#include "reports/analyze/control.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "reports/analyze/arm_summary.h"
#include "reports/analyze/attribution.h"
#include "reports/analyze/compare.h"
#include "reports/analyze/text.h"
#include "reports/gate/verdict.h"
#include "reports/model/arm_settings.h"

namespace vfsprof::reports {
namespace {

constexpr std::size_t kMovedCellsShown = 6;
constexpr std::size_t kFramesShown = 3;

const Comparison* control_of(const RunResult& result, const Report& report) {
  for (const Comparison& comparison : report.comparisons) {
    if (is_control(result.arms[comparison.after])) return &comparison;
  }
  return nullptr;
}

/// Whether equal arms were found to differ, at the same confidence as any others.
bool has_failed(const Comparison& control) {
  if (control.verdict == Verdict::kVoid) return true;
  const auto& found = control.metrics.front().interval;
  return found && (found->interval.low > 1 || found->interval.high < 1);
}

/// "exact: a, b; count-like: c; time-like: d".
std::string tiers(const RunResult& result, const Comparison& control) {
  const auto pairs = pair_by_block(rounds_of(result, control.before).timing,
                                   rounds_of(result, control.after).timing);
  std::array<std::vector<std::string>, 3> names;
  for (const Metric& metric : metrics(main_kind(result))) {
    std::vector<BlockValues> blocks;
    for (const auto& [first, second] : pairs) {
      const auto a = metric.value(*first), b = metric.value(*second);
      if (a && b) blocks.push_back({*a, *b, *b});
    }
    if (blocks.empty()) continue;
    names[static_cast<std::size_t>(tier_of(blocks))].push_back(metric.title);
  }
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty()) continue;
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", to_string(static_cast<Tier>(i)),
                        join_words(names[i]));
  }
  return text;
}

std::string control_paragraph(const RunResult& result, const Comparison& control) {
  if (control.verdict == Verdict::kVoid) {
    return "**The control arm is void, so there is no verdict:** " + control.void_reasons.front();
  }
  const MetricComparison& metric = control.metrics.front();
  std::string text = has_failed(control)
                         ? "**The control arm, the first arm once more, was found to differ from "
                           "it, so there is no "
                           "verdict:** something else than the arms made a difference. "
                         : "The control arm, the first arm once more, does not differ from it. ";
  if (metric.interval) {
    text += fmt::format("Its ratio of CPU time per operation is {:.3f} to {:.3f} ({:.1f} %). ",
                        metric.interval->interval.low, metric.interval->interval.high,
                        100 * metric.interval->confidence);
  }
  return text + fmt::format("By what equal arms differ, metrics are {}.", tiers(result, control));
}

std::string cell_text(const MovedCell& cell) {
  std::string text =
      fmt::format("{} {} {} ns", code(cell.role), cell.title, format_signed(cell.cost_ns.value, 0));
  if (cell.cost_ns.interval) {
    text += fmt::format(" [{}, {}]", format_signed(cell.cost_ns.interval->low, 0),
                        format_signed(cell.cost_ns.interval->high, 0));
  }
  std::vector<std::string> frames;
  for (const SymbolShare& frame : cell.frames) {
    if (frames.size() < kFramesShown) frames.push_back(code(frame.name));
  }
  return frames.empty() ? text : fmt::format("{} (by {})", text, join_words(frames));
}

std::string moved_paragraph(const Attribution& attribution) {
  if (!attribution.absent.empty() || attribution.cells.empty()) return "";
  std::string text =
      fmt::format("The change of {} ns per operation in the profiling rounds, surest cells first: ",
                  format_signed(attribution.change_ns, 0));
  for (std::size_t i = 0; i < std::min(attribution.cells.size(), kMovedCellsShown); ++i) {
    text += (i == 0 ? "" : "; ") + cell_text(attribution.cells[i]);
  }
  if (attribution.cells.size() > kMovedCellsShown) {
    text += fmt::format("; {} more", attribution.cells.size() - kMovedCellsShown);
  }
  return text +
         fmt::format(". Left unexplained: {} ns.", format_signed(attribution.unexplained_ns, 0));
}

void withdraw_verdict(Comparison& comparison) {
  if (comparison.verdict == Verdict::kVoid) return;
  comparison.verdict = Verdict::kUndecided;
  comparison.metrics.front().verdict = Verdict::kUndecided;
  comparison.metrics.front().note = "the control arm differs from itself";
}

}  // namespace

double deciding_confidence(const RunResult& result) {
  const std::size_t comparisons = result.arms.size() < 2 ? 1 : result.arms.size() - 1;
  return each_confidence({.confidence = kConfidence,
                          .metrics = 1,
                          .comparisons = comparisons,
                          .looks = has_control(result) ? kLooks : 1});
}

bool has_verdicts(const RunResult& result) {
  for (std::size_t after = 1; after < result.arms.size(); ++after) {
    if (is_control(result.arms[after])) continue;
    const auto metrics = compare_metrics(result, 0, after);
    if (metrics.front().verdict == Verdict::kUndecided) return false;
  }
  return true;
}

void apply_control(const RunResult& result, Report& report) {
  const Comparison* const control = control_of(result, report);
  for (Comparison& comparison : report.comparisons) {
    if (&comparison == control || comparison.verdict == Verdict::kVoid) continue;
    const std::string moved = moved_paragraph(attribute_change(report, comparison, control));
    if (!moved.empty()) comparison.explanation.push_back(moved);
    if (control == nullptr) continue;
    comparison.explanation.push_back(control_paragraph(result, *control));
    if (has_failed(*control)) withdraw_verdict(comparison);
  }
  std::erase_if(report.comparisons, [&result](const Comparison& comparison) {
    return is_control(result.arms[comparison.after]);
  });
  std::erase_if(report.floors.arms,
                [&result](const ArmFloor& floor) { return is_control(result.arms[floor.arm]); });
  // The last arm, so that the numbers of the others stay.
  while (!report.arms.empty() && is_control(result.arms[report.arms.size() - 1])) {
    report.arms.pop_back();
  }
}

}  // namespace vfsprof::reports
