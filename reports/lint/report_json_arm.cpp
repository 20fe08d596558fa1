#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include "reports/lint/report_json.h"
#include "reports/rules/rule_set.h"

namespace vfsprof::reports {
namespace {

/// Sums and quotients of figures with 15 digits.
double slack(double value) { return 1e-9 * std::abs(value) + 1e-12; }

double printed_cost(const JsonReader& time) {
  const JsonReader cost = time.member("printed_cost_ns_per_operation");
  return cost.is_null() ? 0 : cost.number();
}

/// The figures of all rows, to be compared with what they add up to.
struct Sum {
  double samples = 0;
  double weight_ns = 0;
  double printed_share = 0;
  double printed_cost_ns = 0;
  double rows = 0;

  void add(const JsonReader& time) {
    rows += 1;
    samples += time.member("samples").number();
    weight_ns += time.member("weight_ns").number();
    printed_share += time.member("printed_share_percent").number();
    printed_cost_ns += printed_cost(time);
  }
};

/// What each time of a profile is measured against.
struct Whole {
  double weight_ns = 0;
  double operations = 0;
};

/// `rows`: how many rows its printed figures are the sum of.
void check_time(const JsonReader& time, const Whole& whole, const std::string& where,
                JsonFindings& findings, double rows = 1) {
  const double weight_ns = time.member("weight_ns").number();
  const double share = whole.weight_ns > 0 ? weight_ns / whole.weight_ns : 0;
  findings.expect(where + ", share", time.member("share").member("value").number(), share,
                  1e-9 + slack(share));
  // Rounding that adds up, twice: to the thread, to the row.
  findings.expect(where + ", printed share", time.member("printed_share_percent").number(),
                  100 * share, 0.02 * rows + 0.001);
  const JsonReader cost = time.member("cost_ns_per_operation");
  if (cost.is_null() || whole.operations == 0) return;
  const double wanted = weight_ns / whole.operations;
  findings.expect(where + ", cost per operation", cost.member("value").number(), wanted,
                  1e-6 + slack(wanted));
  findings.expect(where + ", printed cost", time.member("printed_cost_ns_per_operation").number(),
                  wanted, 2 * rows + 0.1);
}

void check_sum(const Sum& sum, const JsonReader& time, const std::string& where,
               std::string_view rule, JsonFindings& findings) {
  Sum whole;
  whole.add(time);
  const auto expect = [&](std::string_view what, double found, double wanted, double allowed) {
    if (std::abs(found - wanted) <= allowed) return;
    findings.add(rule,
                 fmt::format("{}: {} adds up to {:.10g}, not {:.10g}", where, what, found, wanted));
  };
  expect("the printed share", sum.printed_share, whole.printed_share, 0.005);
  expect("the printed cost", sum.printed_cost_ns, whole.printed_cost_ns, 0.5);
  expect("the number of samples", sum.samples, whole.samples, 0);
  expect("the weight", sum.weight_ns, whole.weight_ns, 0);
}

double total_weight(const JsonReader& profile) {
  double sum = 0;
  for (const JsonReader& role : profile.member("roles").elements()) {
    sum += role.member("time").member("weight_ns").number();
  }
  return sum;
}

double unclassified_samples(const JsonReader& role) {
  double sum = 0;
  for (const JsonReader& row : role.member("rows").elements()) {
    if (row.member("category").string() == kUnclassified) {
      sum += row.member("time").member("samples").number();
    }
  }
  return sum;
}

}  // namespace

PrintedTime printed_time(const JsonReader& time) {
  return {.samples = time.member("samples").number(),
          .weight_ns = time.member("weight_ns").number(),
          .share = time.member("share").member("value").number(),
          .printed_share = time.member("printed_share_percent").number(),
          .printed_cost_ns = printed_cost(time)};
}

PrintedTimes check_json_profile(const JsonReader& profile, const std::string& arm,
                                JsonFindings& findings) {
  PrintedTimes cells;
  const Whole whole{.weight_ns = total_weight(profile),
                    .operations = profile.member("operations").number()};
  Sum all;
  std::map<std::string, Sum> groups;
  double unclassified = 0;
  for (const JsonReader& role : profile.member("roles").elements()) {
    const std::string name = role.member("role").string();
    const std::string where = fmt::format("{}: {}", arm, name);
    Sum sum;
    for (const JsonReader& row : role.member("rows").elements()) {
      const std::string category = row.member("category").string();
      cells[{name, category}] = printed_time(row.member("time"));
      check_time(row.member("time"), whole, fmt::format("{} {}", where, category), findings);
      sum.add(row.member("time"));
      const auto group = row.find("group");
      if (group && !group->is_null()) groups[group->string()].add(row.member("time"));
    }
    check_time(role.member("time"), whole, where, findings);
    check_sum(sum, role.member("time"), where + ", its rows", "row-sum", findings);
    all.add(role.member("time"));
    unclassified += unclassified_samples(role);
  }
  for (const JsonReader& group : profile.member("groups").elements()) {
    const std::string name = group.member("group").string();
    cells[{"", name}] = printed_time(group.member("time"));
    check_time(group.member("time"), whole, fmt::format("{}: group {}", arm, name), findings,
               std::max(1.0, groups[name].rows));
    if (groups[name].rows == 0) continue;  // of an earlier version, whose rows name no group
    check_sum(groups[name], group.member("time"), fmt::format("{}: group {}", arm, name), "total",
              findings);
  }
  const double samples = profile.member("samples").number();
  if (samples == 0) {
    findings.add("no-sample-count", fmt::format("{}: shares of 0 samples", arm));
    return cells;
  }
  findings.expect(arm + ": samples of all threads", all.samples, samples, 0);
  if (std::abs(all.printed_share - 100) > 0.005) {
    findings.add("thread-sum", fmt::format("{}: the threads add up to {:.2f} %, not 100 %", arm,
                                           all.printed_share));
  }
  findings.expect(arm + ": classified", profile.member("classified").number(),
                  1 - unclassified / samples, 1e-9);
  if (profile.member("elapsed_ns").number() == 0 && whole.operations > 0) {
    findings.add("no-duration", fmt::format("{}: shares without how long was sampled", arm));
  }
  return cells;
}

/// Percentiles rise; each is what its name says, and what the same percentile is elsewhere.
void check_percentiles(const JsonReader& times, const std::string& where, const JsonReader* kind,
                       JsonFindings& findings) {
  constexpr std::array<std::pair<std::string_view, double>, 5> kQuantiles{{{"p50_ns", 0.5},
                                                                           {"p90_ns", 0.9},
                                                                           {"p99_ns", 0.99},
                                                                           {"p999_ns", 0.999},
                                                                           {"p9999_ns", 0.9999}}};
  const std::vector<JsonReader> percentiles = times.member("percentiles").elements();
  double previous = 0;
  for (std::size_t i = 0; i < std::min(percentiles.size(), kQuantiles.size()); ++i) {
    const auto& [name, quantile] = kQuantiles[i];
    findings.expect(fmt::format("{}: quantile of {}", where, name),
                    percentiles[i].member("quantile").number(), quantile, 0);
    const JsonReader ns = percentiles[i].member("ns");
    if (ns.is_null()) continue;
    if (kind != nullptr) {
      findings.expect(fmt::format("{}: {}", where, name), kind->member(name).number(), ns.number(),
                      0);
    }
    if (ns.number() < previous) {
      findings.add("disagreement",
                   fmt::format("{}: {} lies below the percentile before it", where, name));
    }
    previous = ns.number();
  }
}

void check_json_arm(const JsonReader& arm, const std::string& name, JsonFindings& findings) {
  const double operations = arm.member("operations").number();
  if (operations == 0) return;
  const double elapsed_ns = arm.member("elapsed_ns").number();
  const auto rate = [&](double count) { return elapsed_ns > 0 ? count / elapsed_ns * 1e9 : 0; };
  findings.expect(name + ": operations per second", arm.member("operations_per_second").number(),
                  rate(operations), slack(rate(operations)));
  double kinds = 0;
  for (const JsonReader& kind : arm.member("operation_kinds").elements()) {
    const std::string where = fmt::format("{}: {}", name, kind.member("kind").string());
    const double count = kind.member("count").number();
    kinds += count;
    findings.expect(where + ", per second", kind.member("per_second").number(), rate(count),
                    slack(rate(count)));
    if (kind.member("errors").number() > count) {
      findings.add("disagreement", where + ": more errors than operations");
    }
    if (kind.find("percentiles")) check_percentiles(kind, where, &kind, findings);
    if (const auto response = kind.find("response"); response && !response->is_null()) {
      check_percentiles(*response, where + ", response", nullptr, findings);
    }
    double previous = 0;
    for (const char* percentile : {"p50_ns", "p90_ns", "p99_ns", "p999_ns", "p9999_ns", "max_ns"}) {
      const auto given = kind.find(percentile);
      if (!given || given->is_null()) continue;  // of an earlier version, or of too few values
      const double value = given->number();
      if (value < previous) {
        findings.add("disagreement",
                     fmt::format("{}: {} lies below the percentile before it", where, percentile));
      }
      previous = value;
    }
  }
  findings.expect(name + ": operations of all kinds", kinds, operations, 0);
  for (const JsonReader& counter : arm.member("counters").elements()) {
    const double wanted = counter.member("total").number() / operations;
    findings.expect(fmt::format("{}: {} per operation", name, counter.member("name").string()),
                    counter.member("per_operation").number(), wanted, slack(wanted));
  }
}

}  // namespace vfsprof::reports
