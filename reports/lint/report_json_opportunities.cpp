#include <fmt/format.h>

#include <vector>

#include "reports/lint/report_json.h"

namespace vfsprof::reports {
namespace {

constexpr double kSlack = 1e-6;
// Call stacks carry at least so much of what they are shown for.
constexpr double kCarried = 0.8;

double sum_of(const JsonReader& list, std::string_view member) {
  double sum = 0;
  for (const JsonReader& element : list.elements()) sum += element.member(member).number();
  return sum;
}

/// What an opportunity rests on, against its own parts and its arm's tables.
void check_evidence(const JsonReader& evidence, const PrintedTimes* cells, const std::string& where,
                    JsonFindings& findings) {
  const double share = evidence.member("share").number();
  const Interval interval = interval_of_part(evidence.member("share_interval_95"),
                                             where + ", share of the evidence", findings);
  if (share < interval.low - kSlack || share > interval.high + kSlack) {
    findings.add("disagreement", fmt::format("{}: the evidence's share {:g} lies outside of its "
                                             "interval, {:g} to {:g}",
                                             where, share, interval.low, interval.high));
  }
  findings.expect(where + ", share of the evidence", share,
                  sum_of(evidence.member("cells"), "share"), kSlack);
  const double carried = evidence.member("stacks_share").number();
  findings.expect(where + ", share of its call stacks", carried,
                  sum_of(evidence.member("stacks"), "share_of_evidence"), kSlack);
  if (carried < kCarried - kSlack) {
    findings.add("disagreement",
                 fmt::format("{}: the call stacks carry {:.0f} % of it, not {:.0f} %", where,
                             100 * carried, 100 * kCarried));
  }
  if (cells == nullptr) return;
  for (const JsonReader& cell : evidence.member("cells").elements()) {
    const std::string role = cell.member("role").string();
    const std::string category = cell.member("category").string();
    const auto known = cells->find({role, category});
    const double most = known == cells->end() ? 0 : known->second.share;
    if (cell.member("share").number() <= most + kSlack) continue;
    findings.add("disagreement",
                 fmt::format("{}: {:g} of the whole is {} in {}, but {:g} in its table", where,
                             cell.member("share").number(), category, role, most));
  }
}

/// Returns the impact.
Interval check_listed(const JsonReader& item, const PrintedTimes* cells, double threshold,
                      const std::string& where, JsonFindings& findings) {
  const Interval impact =
      interval_of_part(item.member("impact_interval"), where + ", impact", findings);
  if (impact.low < threshold - kSlack) {
    findings.add("below-threshold",
                 fmt::format("{}: its impact of at least {:g} lies below the threshold, {:g}",
                             where, impact.low, threshold));
  }
  const std::vector<JsonReader> ratio = item.member("predicted_ratio_interval").elements();
  if (ratio.size() != 2) item.member("predicted_ratio_interval").fail("an array of two numbers");
  findings.expect(where + ", predicted ratio, lower end", ratio[0].number(), 1 - impact.high,
                  kSlack);
  findings.expect(where + ", predicted ratio, upper end", ratio[1].number(), 1 - impact.low,
                  kSlack);
  const JsonReader evidence = item.member("evidence");
  check_evidence(evidence, cells, where, findings);
  const Interval share = interval_of_part(evidence.member("share_interval_95"), where, findings);
  if (impact.high > share.high + kSlack) {
    findings.add("impact", fmt::format("{}: up to {:g} go away of evidence that is at most {:g}",
                                       where, impact.high, share.high));
  }
  return impact;
}

/// Improvements compound; evidence of several counts once, so all together may be less.
void check_combined(const JsonReader& combined, const std::vector<Interval>& impacts,
                    const std::string& where, JsonFindings& findings) {
  if (combined.is_null() != impacts.empty()) {
    findings.add("disagreement",
                 where + ": there is a combined impact where nothing is listed, or none");
  }
  if (combined.is_null() || impacts.empty()) return;
  const Interval all = interval_of_part(combined, where + ", combined impact", findings);
  double rest_low = 1, rest_high = 1;
  for (const Interval& impact : impacts) {
    rest_low *= 1 - impact.low;
    rest_high *= 1 - impact.high;
  }
  const auto check = [&](double found, double most, double first) {
    if (found > most + kSlack) {
      findings.add("added-percentages",
                   fmt::format("{}: the combined impact {:g} is more than all impacts compounded, "
                               "{:g}",
                               where, found, most));
    } else if (found < first - kSlack) {
      findings.add("disagreement", fmt::format("{}: the combined impact {:g} is less than the "
                                               "first one's, {:g}",
                                               where, found, first));
    }
  };
  check(all.low, 1 - rest_low, impacts.front().low);
  check(all.high, 1 - rest_high, impacts.front().high);
}

}  // namespace

void check_json_opportunities(const JsonReader& arm,
                              const std::map<std::string, PrintedTimes>& arms, double threshold,
                              JsonFindings& findings) {
  const std::string name = arm.member("arm").string();
  const auto cells = arms.find(name);
  std::vector<Interval> impacts;
  for (const JsonReader& item : arm.member("listed").elements()) {
    impacts.push_back(check_listed(item, cells == arms.end() ? nullptr : &cells->second, threshold,
                                   fmt::format("{}: {}", name, item.member("id").string()),
                                   findings));
  }
  for (const JsonReader& item : arm.member("below_threshold").elements()) {
    const std::string where = fmt::format("{}: {}", name, item.member("id").string());
    const Interval impact = interval_of_part(item.member("impact_interval"), where, findings);
    if (impact.low >= threshold + kSlack) {
      findings.add(
          "below-threshold",
          fmt::format("{}: its impact of at least {:g} reaches the threshold, {:g}, and it "
                      "is not listed",
                      where, impact.low, threshold));
    }
  }
  check_combined(arm.member("combined_impact_interval"), impacts, name, findings);
}

}  // namespace vfsprof::reports
