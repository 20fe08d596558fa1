#include "reports/lint/report_json.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace vfsprof::reports {
namespace {

/// An interval's ends; nothing where there is none, or an end is unknown.
std::optional<std::pair<double, double>> ends_of(const JsonReader& interval) {
  if (interval.is_null()) return std::nullopt;
  const std::vector<JsonReader> ends = interval.elements();
  if (ends.size() != 2) interval.fail("an array of two numbers");
  if (ends[0].is_null() || ends[1].is_null()) return std::nullopt;
  return std::pair(ends[0].number(), ends[1].number());
}

void check_metric(const JsonReader& metric, double margin, JsonFindings& findings) {
  const std::string title = metric.member("title").string();
  const auto ends = ends_of(metric.member("ratio_interval"));
  if (!ends || metric.member("ratio").is_null()) return;
  const auto [low, high] = *ends;
  const double ratio = metric.member("ratio").number();
  if (ratio < low || ratio > high) {
    findings.add("disagreement", fmt::format("{}: the ratio {:g} lies outside of its interval, "
                                             "{:g} to {:g}",
                                             title, ratio, low, high));
  }
  const bool lower_is_better = metric.member("lower_is_better").boolean();
  const std::string verdict = metric.member("verdict").string();
  const bool fell = high < 1, rose = low > 1;
  const bool fits = verdict == "improved"    ? (lower_is_better ? fell : rose)
                    : verdict == "regressed" ? (lower_is_better ? rose : fell)
                    : verdict == "equivalent"
                        ? low >= 1 - margin - 1e-9 && high <= 1 + margin + 1e-9
                        : true;
  if (!fits) {
    findings.add("disagreement", fmt::format("{}: \"{}\" does not follow from a ratio of {:g} to "
                                             "{:g}",
                                             title, verdict, low, high));
  }
}

void check_cell(const JsonReader& change, const char* side, const std::string& arm,
                const PrintedTimes& cells, JsonFindings& findings) {
  const bool is_group = change.member("role").is_null();
  const auto key =
      is_group ? std::pair(std::string(), change.member("group").string())
               : std::pair(change.member("role").string(), change.member("category").string());
  const auto found = cells.find(key);
  const PrintedTime known = found == cells.end() ? PrintedTime{} : found->second;
  const PrintedTime here = printed_time(change.member(side));
  const std::string where =
      fmt::format("{} {} of {}, comparison against its own table", key.first, key.second, arm);
  findings.expect(where + ", share", here.printed_share, known.printed_share, 0.005);
  findings.expect(where + ", cost", here.printed_cost_ns, known.printed_cost_ns, 0.5);
  findings.expect(where + ", samples", here.samples, known.samples, 0);
  findings.expect(where + ", weight_ns", here.weight_ns, known.weight_ns, 0);
}

void check_differences(const JsonReader& change, JsonFindings& findings) {
  const std::string where = change.member("title").string();
  const JsonReader before = change.member("before"), after = change.member("after");
  const auto share = [](const JsonReader& time) {
    return time.member("share").member("value").number();
  };
  findings.expect(where + ", difference of shares",
                  change.member("share_difference").member("value").number(),
                  share(after) - share(before), 1e-9);
  const JsonReader cost = change.member("cost_difference_ns");
  const JsonReader cost_before = before.member("cost_ns_per_operation");
  const JsonReader cost_after = after.member("cost_ns_per_operation");
  if (cost.is_null() || cost_before.is_null() || cost_after.is_null()) return;
  const double wanted = cost_after.member("value").number() - cost_before.member("value").number();
  findings.expect(where + ", difference of costs", cost.member("value").number(), wanted,
                  1e-6 * (1 + std::abs(wanted)));
}

}  // namespace

void JsonFindings::expect(const std::string& where, double found, double wanted, double slack) {
  if (std::abs(found - wanted) <= slack) return;
  add("disagreement",
      fmt::format("{}: {:.10g} here, but {:.10g} by the figures that it follows from", where, found,
                  wanted));
}

Interval interval_of_part(const JsonReader& interval, const std::string& where,
                          JsonFindings& findings) {
  constexpr double kSlack = 1e-6;
  const std::vector<JsonReader> ends = interval.elements();
  if (ends.size() != 2) interval.fail("an array of two numbers");
  const Interval result{ends[0].number(), ends[1].number()};
  if (!(result.low >= -kSlack && result.low <= result.high && result.high <= 1 + kSlack)) {
    findings.add("disagreement",
                 fmt::format("{}: {:g} to {:g} is no interval of a part of the whole", where,
                             result.low, result.high));
  }
  return result;
}

void check_json_comparison(const JsonReader& comparison,
                           const std::map<std::string, PrintedTimes>& arms, double margin,
                           JsonFindings& findings) {
  for (const JsonReader& metric : comparison.member("metrics").elements()) {
    check_metric(metric, margin, findings);
    if (metric.member("decides").boolean() &&
        metric.member("verdict").string() != comparison.member("verdict").string()) {
      findings.add("disagreement",
                   "the comparison's verdict is not that of the metric that decides");
    }
  }
  for (const JsonReader& change : comparison.member("changes").elements()) {
    check_differences(change, findings);
    for (const char* side : {"before", "after"}) {
      const std::string name = comparison.member(side).string();
      const auto arm = arms.find(name);
      if (arm != arms.end()) check_cell(change, side, name, arm->second, findings);
    }
  }
}

std::vector<LintFinding> lint_report_json(std::string_view text, const std::string& origin) {
  const JsonDocument document = parse_json(text, origin);
  const JsonReader in(document, origin);
  if (!in.find("report_schema_version")) {
    in.fail("a report.json, run.json, compare.json or import.json of this program");
  }
  JsonFindings findings;
  std::map<std::string, PrintedTimes> arms;
  std::map<std::string, JsonReader> waits_of;
  std::map<std::string, int> seen;
  for (const JsonReader& arm : in.member("arms").elements()) {
    const std::string name = arm.member("name").string();
    check_json_arm(arm, name, findings);
    // Reports of earlier versions lack some sections.
    if (const auto waits = arm.find("waits"); waits && !waits->is_null()) {
      check_json_waits(*waits, name, findings);
      waits_of.emplace(name, *waits);
    }
    ++seen[name];
    if (arm.member("profile").is_null()) continue;
    arms[name] = check_json_profile(arm.member("profile"), name, findings);
  }
  // Which arm a comparison means is not known where two have one name.
  std::erase_if(arms, [&](const auto& arm) { return seen[arm.first] > 1; });
  std::erase_if(waits_of, [&](const auto& arm) { return seen[arm.first] > 1; });
  const auto opportunities = in.find("opportunities"), threshold = in.find("threshold");
  if (opportunities && threshold) {
    for (const JsonReader& arm : opportunities->elements()) {
      check_json_opportunities(arm, arms, threshold->number(), findings);
      const auto waits = arm.find("waits");
      if (!waits) continue;
      const std::string name = arm.member("arm").string();
      const auto ledgers = waits_of.find(name);
      check_json_wait_opportunities(*waits, ledgers == waits_of.end() ? nullptr : &ledgers->second,
                                    name, threshold->number(), findings);
    }
  }
  const double margin = in.member("equivalence_margin").number();
  for (const JsonReader& comparison : in.member("comparisons").elements()) {
    check_json_comparison(comparison, arms, margin, findings);
  }
  return findings.take();
}

}  // namespace vfsprof::reports
