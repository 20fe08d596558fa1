#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/analyze/text.h"
#include "reports/write/markdown_parts.h"
#include "reports/write/markdown_table.h"

namespace vfsprof::reports {
namespace {

using Align = MarkdownTable::Align;

// Rows that nobody needs to read: small in both arms, and not changed.
constexpr double kSmallShare = 0.005;

std::string same_work(const Comparison& comparison) {
  std::string text;
  if (!comparison.compared.empty()) {
    text +=
        fmt::format("Both arms did the same work: {} are equal.", join_words(comparison.compared));
  }
  if (!comparison.uncompared.empty()) {
    text += fmt::format("{}Not compared: {}.", text.empty() ? "" : " ", comparison.uncompared);
  }
  return text;
}

std::string metric_value(const MetricComparison& metric, double value) {
  if (metric.pairs == 0) return "not measured";
  return metric.unit.starts_with("ns") ? format_duration(value) : format_number(value);
}

std::string metric_interval(const MetricComparison& metric) {
  if (!metric.interval) return metric.note;
  const Interval& interval = metric.interval->interval;
  return fmt::format("{:.3f} to {:.3f} ({:.1f} %)", interval.low, interval.high,
                     100 * metric.interval->confidence);
}

std::string metric_verdict(const MetricComparison& metric) {
  if (metric.verdict != Verdict::kUndecided || !metric.minimum_detectable_effect) {
    return to_string(metric.verdict);
  }
  return fmt::format("undecided (could see {:.1f} %)", 100 * *metric.minimum_detectable_effect);
}

std::string metrics_table(const Report& report, const Comparison& comparison) {
  MarkdownTable table({{"Metric"},
                       {"Before", Align::kRight},
                       {"After", Align::kRight},
                       {"Change", Align::kRight},
                       {"Interval of the ratio", Align::kRight},
                       {"n", Align::kRight},
                       {"Verdict"}});
  for (const MetricComparison& metric : comparison.metrics) {
    const bool is_latency = metric.unit == "ns";
    const std::string name =
        is_latency ? metric.title
                   : fmt::format("{}, {}", metric.title,
                                 metric.unit == "ns per operation" ? "per operation" : metric.unit);
    table.add({metric.decides ? fmt::format("**{}** (decides)", plain(name)) : plain(name),
               metric_value(metric, metric.before), metric_value(metric, metric.after),
               metric.pairs == 0 ? "" : format_change(metric.ratio), metric_interval(metric),
               std::to_string(metric.pairs), metric_verdict(metric)});
  }
  return fmt::format(
      "{}\nMedians of the timing rounds; change is the median of the paired ratios, n the number "
      "of pairs. Equivalent: the whole interval lies within ±{:.0f} %. Only the first row "
      "decides; each of the others holds at 95 % by itself.\n\n",
      table.take(), 100 * report.equivalence_margin);
}

/// " [-0.90, +0.51]", in the unit of what stands before it.
std::string brackets(const Estimate& difference, double scale, int decimals) {
  if (!difference.interval) return "";
  return fmt::format(" [{}, {}]", format_signed(scale * difference.interval->low, decimals),
                     format_signed(scale * difference.interval->high, decimals));
}

// Differences are those of the figures printed beside them.

std::string share_change(const CpuTime& before, const CpuTime& after) {
  const double hundredths =
      static_cast<double>(after.printed_share) - static_cast<double>(before.printed_share);
  return format_signed(hundredths / 100, 2) + " pp";
}

std::string cost_change(const CpuTime& before, const CpuTime& after) {
  if (!before.has_cost || !after.has_cost) return std::string(kUnavailableFigure);
  return format_signed(
      static_cast<double>(after.printed_cost_ns) - static_cast<double>(before.printed_cost_ns), 0);
}

bool is_worth_a_row(const CategoryChange& change, const MarkdownDetail& detail) {
  const double share = std::max(change.before.share.value, change.after.share.value);
  if (change.role.empty()) return true;
  return change.verdict == CellVerdict::kNotSignificant
             ? share >= std::max(kSmallShare, detail.smallest_share)
             : share >= detail.smallest_share;
}

void add_change(MarkdownTable& table, const CategoryChange& change) {
  const bool is_sum = change.role.empty();
  table.add({is_sum ? "*all threads*" : code(change.role),
             is_sum ? fmt::format("*{}, in total*", plain(change.title)) : plain(change.title),
             format_printed_share(change.before.printed_share),
             format_printed_share(change.after.printed_share),
             share_change(change.before, change.after) + brackets(change.share_difference, 100, 2),
             cost_cell(change.before), cost_cell(change.after),
             cost_change(change.before, change.after) +
                 (change.before.has_cost ? brackets(change.cost_difference_ns, 1, 0) : ""),
             to_string(change.verdict) + (change.thin ? ", thin" : "")});
}

std::string changes_table(const Comparison& comparison, const MarkdownDetail& detail) {
  if (comparison.changes.empty()) return "";
  MarkdownTable table({{"Thread"},
                       {"Category"},
                       {"Share before", Align::kRight},
                       {"Share after", Align::kRight},
                       {"Difference", Align::kRight},
                       {"ns/op before", Align::kRight},
                       {"ns/op after", Align::kRight},
                       {"Difference in ns/op", Align::kRight},
                       {"Verdict"}});
  // The rows left out are summed up, so that the columns still add up.
  CpuTime rest_before, rest_after;
  std::size_t rest = 0;
  for (const CategoryChange& change : comparison.changes) {
    if (is_worth_a_row(change, detail)) {
      add_change(table, change);
      continue;
    }
    ++rest;
    rest_before.add_counts(change.before);
    rest_after.add_counts(change.after);
  }
  if (rest > 0) {
    table.add(
        {"", fmt::format("{} smaller rows", rest), format_printed_share(rest_before.printed_share),
         format_printed_share(rest_after.printed_share), share_change(rest_before, rest_after),
         cost_cell(rest_before), cost_cell(rest_after), cost_change(rest_before, rest_after), ""});
  }
  std::string text = "### By thread and category\n\n" + table.take() + "\n";
  text +=
      "Shares are zero-sum: when one falls, others rise. The cost per operation tells whether a "
      "category itself changed; `renormalised only` means that its share moved and its cost did "
      "not. Brackets are 95 % intervals; false verdicts are held at 5 % of all over the table. "
      "Rows in italics sum up others.";
  if (!comparison.changes_judged) {
    text +=
        " No row has a verdict here: how much runs differ by themselves is only known from two "
        "profiling rounds or more of each arm.";
  }
  return text + "\n\n";
}

}  // namespace

std::string markdown_comparison(const Report& report, const Comparison& comparison,
                                const MarkdownDetail& detail) {
  std::string text = fmt::format("## Before and after: {} -> {}\n\n",
                                 code(report.arms[comparison.before].arm.name),
                                 code(report.arms[comparison.after].arm.name));
  if (comparison.verdict == Verdict::kVoid) {
    text += "The comparison is void:\n\n";
    for (const std::string& reason : comparison.void_reasons) text += fmt::format("- {}\n", reason);
    return text + "\n";
  }
  text +=
      fmt::format("Verdict: **{}**. {}\n\n", to_string(comparison.verdict), same_work(comparison));
  text += report.arms[comparison.before].operations > 0
              ? metrics_table(report, comparison)
              : "Operations were not counted, so no metric is available.\n\n";
  text += changes_table(comparison, detail);
  if (!comparison.explanation.empty()) text += "### What it comes from\n\n";
  for (const std::string& paragraph : comparison.explanation) text += paragraph + "\n\n";
  return text;
}

}  // namespace vfsprof::reports
