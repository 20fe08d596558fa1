#include <fmt/format.h>

#include <map>
#include <optional>
#include <vector>

#include "reports/analyze/waits.h"
#include "reports/lint/report_json.h"

namespace vfsprof::reports {
namespace {

constexpr double kSlack = 1e-6;

/// Time that each role was blocked at futexes, by its wall clock.
std::map<std::string, double> blocked_at_futexes(const JsonReader* waits) {
  std::map<std::string, double> result;
  if (waits == nullptr || waits->member("wall_clock").is_null()) return result;
  for (const JsonReader& role : waits->member("wall_clock").member("roles").elements()) {
    const auto ns = role.member("blocked_ns").find(to_string(BlockReason::kFutex));
    result[role.member("role").string()] = ns ? ns->number() : 0;
  }
  return result;
}

void check_parts(const JsonReader& item, const std::map<std::string, double>& blocked,
                 const std::string& where, JsonFindings& findings) {
  const JsonReader evidence = item.member("evidence");
  const bool is_time = item.member("measure").string() == "time";
  const double share = evidence.member("share").number();
  double sum = 0;
  std::optional<double> first;
  for (const JsonReader& part : evidence.member("parts").elements()) {
    const std::string role = part.member("role").string();
    const double part_ns = part.member("part_ns").number();
    const double whole_ns = part.member("whole_ns").number();
    const double own = whole_ns > 0 ? part_ns / whole_ns : 0;
    findings.expect(fmt::format("{}: share of {}", where, role), part.member("share").number(), own,
                    kSlack);
    sum += own;
    if (!first) first = own;
    const auto most = blocked.find(role);
    if (!is_time || most == blocked.end() || part_ns <= most->second * (1 + kSlack)) continue;
    findings.add(
        "disagreement",
        fmt::format("{}: {} sleeps there for {:.10g} ns, but at all futexes for {:.10g} ns "
                    "by its wall clock",
                    where, role, part_ns, most->second));
  }
  // Of time each role has a whole of its own; of CPU time all have one.
  const double wanted = is_time ? first.value_or(0) : sum;
  findings.expect(where + ", share of the evidence", share, wanted, kSlack);
}

void check_item(const JsonReader& item, const std::map<std::string, double>& blocked,
                double threshold, const std::string& where, JsonFindings& findings) {
  check_parts(item, blocked, where, findings);
  const JsonReader evidence = item.member("evidence");
  const double share = evidence.member("share").number();
  const Interval around = interval_of_part(evidence.member("share_interval_95"),
                                           where + ", share of the evidence", findings);
  if (share < around.low - kSlack || share > around.high + kSlack) {
    findings.add("disagreement",
                 fmt::format("{}: the evidence's share {:g} lies outside of its interval, {:g} to "
                             "{:g}",
                             where, share, around.low, around.high));
  }
  const Interval impact =
      interval_of_part(item.member("impact_interval"), where + ", impact", findings);
  if (impact.low < threshold - kSlack) {
    findings.add("below-threshold",
                 fmt::format("{}: its impact of at least {:g} lies below the threshold, {:g}",
                             where, impact.low, threshold));
  }
  if (impact.high > around.high + kSlack) {
    findings.add("impact", fmt::format("{}: up to {:g} go away of evidence that is at most {:g}",
                                       where, impact.high, around.high));
  }
  for (const char* list : {"waiting", "waking"}) {
    for (const JsonReader& site : evidence.member(list).elements()) {
      if (site.member("in_vain").number() <= site.member("calls").number()) continue;
      findings.add("disagreement", fmt::format("{}: {} has more calls in vain than calls", where,
                                               site.member("call_site").string()));
    }
  }
}

}  // namespace

void check_json_wait_opportunities(const JsonReader& found, const JsonReader* waits,
                                   const std::string& arm, double threshold,
                                   JsonFindings& findings) {
  const auto blocked = blocked_at_futexes(waits);
  for (const JsonReader& item : found.member("listed").elements()) {
    check_item(
        item, blocked, threshold,
        fmt::format("{}: {} at {}", arm, item.member("id").string(), item.member("word").string()),
        findings);
  }
  for (const JsonReader& item : found.member("below_threshold").elements()) {
    const std::string where = fmt::format("{}: {}", arm, item.member("id").string());
    const Interval impact = interval_of_part(item.member("impact_interval"), where, findings);
    if (impact.low >= threshold + kSlack) {
      findings.add(
          "below-threshold",
          fmt::format("{}: its impact of at least {:g} reaches the threshold, {:g}, and it "
                      "is not listed",
                      where, impact.low, threshold));
    }
  }
}

}  // namespace vfsprof::reports
