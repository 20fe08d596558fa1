#include <fmt/format.h>

#include <algorithm>

#include "reports/analyze/arm_summary.h"
#include "reports/analyze/report.h"
#include "reports/lint/linter.h"
#include "reports/write/registry.h"

namespace vfsprof::reports {
namespace {

// Threads that end take their account with them, and clocks differ by a tick.
constexpr double kThreadSlack = 1.05;
constexpr double kTickNs = 10'000'000;

void check_round(const Round& round, const std::string& where, std::vector<LintFinding>& findings) {
  const auto add = [&](std::string_view rule, std::string message) {
    findings.push_back({1, std::string(rule), fmt::format("{}: {}", where, message)});
  };
  for (const OperationStats& stats : round.operations) {
    if (stats.service_time_ns.count() != stats.count) {
      add("disagreement", fmt::format("{} operations of kind {}, and times of {}", stats.count,
                                      stats.kind, stats.service_time_ns.count()));
    }
    if (stats.errors > stats.count) add("disagreement", "more errors than operations");
  }
  double threads_ns = 0;
  for (const Thread& thread : round.threads) threads_ns += static_cast<double>(thread.cpu_ns);
  const auto process_ns = static_cast<double>(round.process_cpu_ns);
  if (process_ns > 0 && threads_ns > process_ns * kThreadSlack + kTickNs) {
    add("row-sum", fmt::format("the threads used {:.0f} ns of CPU time, and the process {:.0f}",
                               threads_ns, process_ns));
  }
  if (round.elapsed_ns == 0 && round.counts_operations) {
    add("no-duration", "there is no elapsed time");
  }
}

}  // namespace

std::vector<LintFinding> lint_result(const RunResult& result, const RuleSet& rules) {
  std::vector<LintFinding> findings;
  for (const Round& round : result.rounds) {
    if (!round.void_reason.empty()) continue;
    check_round(round, fmt::format("arm {}, {}", round.arm + 1, describe_round(round)), findings);
  }
  const Report report = build_report(result, rules);
  const auto add_derived = [&](std::vector<LintFinding> derived, std::string_view format) {
    for (LintFinding& finding : derived) {
      finding.message =
          fmt::format("in its {} report, line {}: {}", format, finding.line, finding.message);
      finding.line = 1;
      findings.push_back(std::move(finding));
    }
  };
  add_derived(lint_report_json(render(report, "json"), "report.json"), "JSON");
  add_derived(lint_markdown(render(report, "md")), "Markdown");
  return findings;
}

}  // namespace vfsprof::reports
