#include <fmt/format.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "reports/lint/linter.h"
#include "reports/model/json_reader.h"

namespace vfsprof::reports {
namespace {

constexpr double kHalfHundredth = 0.005;  // printed shares have two decimals

using Shares = std::map<std::pair<std::string, std::string>, double>;  ///< by role and category

double printed_share(const JsonReader& in) {
  return in.member("time").member("printed_share_percent").number();
}

void add(std::vector<LintFinding>& findings, std::string_view rule, std::string message) {
  findings.push_back({1, std::string(rule), std::move(message)});
}

/// The sums of one arm's profile; its shares for the comparisons.
Shares check_profile(const JsonReader& profile, const std::string& arm,
                     std::vector<LintFinding>& findings) {
  Shares shares;
  double whole = 0;
  for (const JsonReader& role : profile.member("roles").elements()) {
    const std::string name = role.member("role").string();
    double sum = 0;
    for (const JsonReader& row : role.member("rows").elements()) {
      shares[{name, row.member("category").string()}] = printed_share(row);
      sum += printed_share(row);
    }
    if (std::abs(sum - printed_share(role)) > kHalfHundredth) {
      add(findings, "row-sum",
          fmt::format("{}: the rows of {} add up to {:.2f} %, not {:.2f} %", arm, name, sum,
                      printed_share(role)));
    }
    whole += printed_share(role);
  }
  const std::uint64_t samples = profile.member("samples").count();
  if (samples > 0 && std::abs(whole - 100) > kHalfHundredth) {
    add(findings, "thread-sum",
        fmt::format("{}: the threads add up to {:.2f} %, not 100 %", arm, whole));
  }
  if (samples == 0) add(findings, "no-sample-count", fmt::format("{}: shares of 0 samples", arm));
  return shares;
}

void check_changes(const JsonReader& comparison, const std::map<std::string, Shares>& arms,
                   std::vector<LintFinding>& findings) {
  for (const char* side : {"before", "after"}) {
    const auto arm = arms.find(comparison.member(side).string());
    if (arm == arms.end()) continue;
    for (const JsonReader& change : comparison.member("changes").elements()) {
      if (change.member("role").is_null()) continue;
      const auto key =
          std::pair(change.member("role").string(), change.member("category").string());
      const auto found = arm->second.find(key);
      const double known = found == arm->second.end() ? 0 : found->second;
      const double share = change.member(side).member("printed_share_percent").number();
      if (std::abs(share - known) <= kHalfHundredth) continue;
      add(findings, "disagreement",
          fmt::format("{} {} of {}: {:.2f} % in the comparison, {:.2f} % in its own table",
                      key.first, key.second, arm->first, share, known));
    }
  }
}

}  // namespace

std::vector<LintFinding> lint_report_json(std::string_view text, const std::string& origin) {
  const JsonDocument document = parse_json(text, origin);
  const JsonReader in(document, origin);
  if (!in.find("report_schema_version")) {
    in.fail("a report.json of this program; render a run.json with `vfsprof report` first");
  }
  std::vector<LintFinding> findings;
  std::map<std::string, Shares> arms;
  for (const JsonReader& arm : in.member("arms").elements()) {
    const std::string name = arm.member("name").string();
    if (arm.member("profile").is_null()) continue;
    arms[name] = check_profile(arm.member("profile"), name, findings);
  }
  for (const JsonReader& comparison : in.member("comparisons").elements()) {
    check_changes(comparison, arms, findings);
  }
  return findings;
}

}  // namespace vfsprof::reports
