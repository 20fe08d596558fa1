#include <fmt/format.h>

#include <array>
#include <cmath>
#include <map>
#include <string_view>
#include <utility>

#include "reports/analyze/waits.h"
#include "reports/lint/report_json.h"

namespace vfsprof::reports {
namespace {

/// Counts of futex calls that add up over any way of dividing the calls.
constexpr std::array<std::string_view, 12> kCounts{"calls",
                                                   "cpu_ns",
                                                   "waits",
                                                   "woken",
                                                   "again",
                                                   "timed_out",
                                                   "interrupted",
                                                   "failed",
                                                   "wakes",
                                                   "threads_woken",
                                                   "threads_requeued",
                                                   "useless"};
// A thread that lived for no time has no gap of its own.
constexpr double kThreadSlackNs = 1e6;
using FutexSums = std::array<double, kCounts.size() + 2>;

double slack(double value) { return 1e-9 * std::abs(value) + 1e-9; }

/// Mean and quantiles of durations, against each other.
void check_times(const JsonReader& times, const std::string& where, JsonFindings& findings) {
  const double count = times.member("count").number();
  const double total_ns = times.member("total_ns").number();
  const double mean_ns = count > 0 ? total_ns / count : 0;
  findings.expect(where + ", mean", times.member("mean_ns").number(), mean_ns, slack(mean_ns));
  if (times.member("p50_ns").number() > times.member("p99_ns").number()) {
    findings.add("disagreement", where + ": its p50 lies above its p99");
  }
}

FutexSums check_totals(const JsonReader& totals, const std::string& where, JsonFindings& findings) {
  FutexSums sums{};
  for (std::size_t i = 0; i < kCounts.size(); ++i) sums[i] = totals.member(kCounts[i]).number();
  const JsonReader wait = totals.member("wait");
  check_times(wait, where, findings);
  sums[kCounts.size()] = wait.member("count").number();
  sums[kCounts.size() + 1] = wait.member("total_ns").number();
  const double calls = totals.member("waits").number() + totals.member("wakes").number();
  findings.expect(where + ": waits and wakes", calls, totals.member("calls").number(), 0);
  if (totals.member("useless").number() > totals.member("wakes").number()) {
    findings.add("disagreement", where + ": more useless wakes than wakes");
  }
  return sums;
}

/// Rows of one table add up to the totals.
void check_rows(const JsonReader& rows, const FutexSums& whole, const std::string& where,
                JsonFindings& findings) {
  FutexSums sums{};
  for (const JsonReader& row : rows.elements()) {
    const FutexSums own = check_totals(row.member("totals"), where, findings);
    for (std::size_t i = 0; i < own.size(); ++i) sums[i] += own[i];
  }
  for (std::size_t i = 0; i < sums.size(); ++i) {
    if (std::abs(sums[i] - whole[i]) <= slack(whole[i])) continue;
    const std::string_view what = i < kCounts.size()    ? kCounts[i]
                                  : i == kCounts.size() ? "wait.count"
                                                        : "wait.total_ns";
    findings.add("total", fmt::format("{}: {} adds up to {:.10g}, not {:.10g}", where, what,
                                      sums[i], whole[i]));
  }
}

double named_share(const JsonReader& words) {
  double named_ns = 0, all_ns = 0;
  for (const JsonReader& word : words.elements()) {
    const double ns = word.member("totals").member("wait").member("total_ns").number();
    all_ns += ns;
    if (word.member("named").boolean()) named_ns += ns;
  }
  return all_ns > 0 ? named_ns / all_ns : 0;
}

void check_futexes(const JsonReader& futexes, const std::string& arm, JsonFindings& findings) {
  const FutexSums whole = check_totals(futexes.member("totals"), arm + ": futex calls", findings);
  for (const char* table : {"rows", "words", "purposes"}) {
    check_rows(futexes.member(table), whole, fmt::format("{}: futex {}", arm, table), findings);
  }
  const double share = named_share(futexes.member("words"));
  findings.expect(arm + ": time waited at named words", futexes.member("named_wait_share").number(),
                  share, 1e-9);
  for (const JsonReader& row : futexes.member("matrix").elements()) {
    if (row.member("wake_to_run_p50_ns").number() > row.member("wake_to_run_p99_ns").number()) {
      findings.add("disagreement",
                   fmt::format("{}: {} wakes {}: the p50 lies above the p99", arm,
                               row.member("waker").string(), row.member("wakee").string()));
    }
  }
}

void check_wall_clock(const JsonReader& clock, const std::string& arm, JsonFindings& findings) {
  std::map<std::pair<std::string, std::string>, double> blocked, rows;
  for (const JsonReader& row : clock.member("blocked").elements()) {
    const std::string role = row.member("role").string(), reason = row.member("reason").string();
    check_times(row.member("blocked"), fmt::format("{}: {} blocked: {}", arm, role, reason),
                findings);
    rows[{role, reason}] += row.member("blocked").member("total_ns").number();
  }
  for (const JsonReader& role : clock.member("roles").elements()) {
    const std::string name = role.member("role").string();
    double sum = role.member("on_cpu_ns").number() + role.member("runnable_ns").number();
    for (int i = 0; i <= static_cast<int>(BlockReason::kOther); ++i) {
      const std::string reason = to_string(static_cast<BlockReason>(i));
      const auto ns = role.member("blocked_ns").find(reason);
      if (!ns) continue;
      sum += ns->number();
      blocked[{name, reason}] = ns->number();
    }
    const std::string where = fmt::format("{}: wall clock of {}", arm, name);
    findings.expect(where, role.member("accounted_ns").number(), sum, slack(sum));
    // What all threads lack or have too much is at most what the worst of them does.
    const double elapsed_ns = role.member("elapsed_ns").number();
    const double worst = role.member("worst_thread_gap").number();
    const double allowed = worst * elapsed_ns + kThreadSlackNs * role.member("threads").number();
    if (std::abs(sum - elapsed_ns) > allowed) {
      findings.add("disagreement",
                   fmt::format("{}: {:.10g} ns are accounted for of {:.10g} ns, further apart than "
                               "the worst thread, {:g}",
                               where, sum, elapsed_ns, worst));
    }
  }
  for (const auto& [key, ns] : blocked) {
    findings.expect(fmt::format("{}: {} blocked: {}", arm, key.first, key.second), ns, rows[key],
                    slack(ns));
  }
}

}  // namespace

void check_json_waits(const JsonReader& waits, const std::string& arm, JsonFindings& findings) {
  if (!waits.member("futexes").is_null()) check_futexes(waits.member("futexes"), arm, findings);
  if (!waits.member("wall_clock").is_null()) {
    check_wall_clock(waits.member("wall_clock"), arm, findings);
  }
  for (const JsonReader& row : waits.member("fuse").elements()) {
    const std::string where = fmt::format("{}: FUSE {}", arm, row.member("operation").string());
    if (row.member("errors").number() > row.member("count").number()) {
      findings.add("disagreement", where + ": more errors than requests");
    }
    for (const char* part : {"queue", "daemon", "reply"}) {
      const JsonReader times = row.member(part);
      if (times.is_null()) continue;
      check_times(times, fmt::format("{}, {}", where, part), findings);
      if (times.member("count").number() > row.member("count").number()) {
        findings.add("disagreement",
                     fmt::format("{}: more times of {} than requests", where, part));
      }
    }
  }
}

}  // namespace vfsprof::reports
