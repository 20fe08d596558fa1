#include <fmt/format.h>

#include <algorithm>

#include "reports/analyze/text.h"
#include "reports/write/markdown_parts.h"
#include "reports/write/markdown_table.h"

namespace vfsprof::reports {
namespace {

using Align = MarkdownTable::Align;

// Of two arms, what is less than this in both changes nothing, whatever its ratio.
constexpr double kNotableCount = 0.01;
constexpr double kNotableTimeNs = 10;

std::string duration(std::uint64_t ns) { return format_duration(static_cast<double>(ns)); }

/// Mean, p50 and p99, or that nothing was timed.
std::vector<std::string> time_cells(const WaitTimes& times) {
  if (times.count() == 0) return {"", "", ""};
  return {times.sum_ns() > 0 ? format_duration(times.mean_ns()) : "",
          format_duration(times.quantile_ns(0.5)), format_duration(times.quantile_ns(0.99))};
}

std::string useless_cell(const FutexTotals& totals, const FutexTables& tables) {
  if (totals.wakes == 0) return "";
  if (!tables.results) return std::string(kUnavailableFigure);
  return format_share(static_cast<double>(totals.useless) / static_cast<double>(totals.wakes));
}

/// A table, its long tail folded away. `add` writes one row.
template <class Row, class Add>
std::string folded(const std::vector<MarkdownTable::Column>& columns, const std::vector<Row>& rows,
                   const MarkdownDetail& detail, Add add) {
  const std::size_t shown = std::min(rows.size(), detail.wait_rows);
  MarkdownTable head(columns);
  for (std::size_t i = 0; i < shown; ++i) add(head, rows[i]);
  std::string text = head.take() + "\n";
  if (rows.size() == shown) return text;
  if (!detail.wait_tails) {
    return text + fmt::format("{} further rows are in the JSON report.\n\n", rows.size() - shown);
  }
  MarkdownTable tail(columns);
  for (std::size_t i = shown; i < rows.size(); ++i) add(tail, rows[i]);
  return text + fmt::format("<details><summary>{} further rows</summary>\n\n{}\n</details>\n\n",
                            rows.size() - shown, tail.take());
}

std::string futex_rows(const WaitTables& waits, const MarkdownDetail& detail) {
  const auto per = [&](std::uint64_t amount) {
    return amount == 0 ? "" : format_number(waits.per(static_cast<double>(amount)));
  };
  const std::string unit = waits.operations > 0 ? "/op" : "/s";
  const std::string waits_title = "Waits" + unit, time_title = "Wait time" + unit,
                    wakes_title = "Wake calls" + unit, woken_title = "Threads woken" + unit,
                    cpu_title = "CPU time" + unit;
  const auto add = [&](MarkdownTable& table, const FutexRow& row) {
    const FutexTotals& sum = row.totals;
    const std::vector<std::string> times = time_cells(sum.wait);
    table.add(
        {code(row.role), code(row.site), code(row.word), plain(row.operations), per(sum.waits),
         sum.waits > 0 ? format_duration(waits.per(static_cast<double>(sum.wait.sum_ns()))) : "",
         times[0], times[1], times[2], format_count(sum.timed_out), format_count(sum.again),
         per(sum.wakes), per(sum.threads_woken), useless_cell(sum, waits.futexes),
         format_duration(waits.per(static_cast<double>(sum.cpu_ns)))});
  };
  return "### Futex calls by thread, call site and word\n\n" +
         folded({{"Thread"},
                 {"Call site"},
                 {"Word"},
                 {"Operations"},
                 {waits_title, Align::kRight},
                 {time_title, Align::kRight},
                 {"Mean", Align::kRight},
                 {"p50", Align::kRight},
                 {"p99", Align::kRight},
                 {"Time-outs", Align::kRight},
                 {"EAGAIN", Align::kRight},
                 {wakes_title, Align::kRight},
                 {woken_title, Align::kRight},
                 {"Useless wakes", Align::kRight},
                 {cpu_title, Align::kRight}},
                waits.futexes.rows, detail, add);
}

std::string futex_words(const WaitTables& waits, const MarkdownDetail& detail) {
  const auto add = [&](MarkdownTable& table, const WordRow& row) {
    const FutexTotals& sum = row.totals;
    const std::vector<std::string> times = time_cells(sum.wait);
    table.add({code(row.word), row.named ? to_string(row.purpose) : "not registered",
               format_count(sum.waits), duration(sum.wait.sum_ns()), times[0], times[1], times[2],
               format_count(sum.wakes), format_count(sum.threads_woken),
               useless_cell(sum, waits.futexes)});
  };
  return "### Futex words by time waited\n\n" + folded({{"Word"},
                                                        {"Purpose"},
                                                        {"Waits", Align::kRight},
                                                        {"Time waited", Align::kRight},
                                                        {"Mean", Align::kRight},
                                                        {"p50", Align::kRight},
                                                        {"p99", Align::kRight},
                                                        {"Wake calls", Align::kRight},
                                                        {"Threads woken", Align::kRight},
                                                        {"Useless wakes", Align::kRight}},
                                                       waits.futexes.words, detail, add);
}

std::string wake_matrix(const WaitTables& waits, const MarkdownDetail& detail) {
  if (waits.futexes.matrix.empty()) return "";
  const std::string title = fmt::format("Wakes per {}", waits.per_what());
  const auto add = [&](MarkdownTable& table, const WakeRow& row) {
    const std::vector<std::string> times = time_cells(row.wake_to_run);
    table.add({code(row.waker), code(row.wakee), code(row.word), to_string(row.purpose),
               format_count(row.count), format_number(waits.per(static_cast<double>(row.count))),
               times[1], times[2]});
  };
  return "### Who wakes whom\n\n" + folded({{"Waker"},
                                            {"Wakee"},
                                            {"Word"},
                                            {"Purpose"},
                                            {"Wakes", Align::kRight},
                                            {title, Align::kRight},
                                            {"Wake to run, p50", Align::kRight},
                                            {"p99", Align::kRight}},
                                           waits.futexes.matrix, detail, add);
}

std::string wake_purposes(const WaitTables& waits) {
  MarkdownTable table({{"What the word serves"},
                       {"Wake calls", Align::kRight},
                       {"Threads woken", Align::kRight},
                       {"Useless wakes", Align::kRight},
                       {"CPU time in futex calls", Align::kRight}});
  for (const PurposeRow& row : waits.futexes.purposes) {
    table.add({to_string(row.purpose), format_count(row.totals.wakes),
               format_count(row.totals.threads_woken), useless_cell(row.totals, waits.futexes),
               row.totals.cpu_ns > 0 ? duration(row.totals.cpu_ns) : ""});
  }
  return table.take() + "\n";
}

std::string conservation(const FutexTables& futexes) {
  const FutexTotals& sum = futexes.totals;
  std::string text;
  if (futexes.results) {
    text = fmt::format(
        "Check of the ledger: {} threads were woken by wake calls, and {} waits ended by being "
        "woken",
        format_count(sum.threads_woken), format_count(sum.woken));
    if (sum.threads_woken != sum.woken && sum.woken > 0) {
      text +=
          fmt::format(" ({} of them without a wake call of this process, or the reverse)",
                      format_count(sum.woken > sum.threads_woken ? sum.woken - sum.threads_woken
                                                                 : sum.threads_woken - sum.woken));
    }
    text += ". ";
  }
  return text + fmt::format("{} of the time waited is at words that the program has named.{}\n\n",
                            format_share(futexes.named_wait_share),
                            futexes.lost > 0
                                ? fmt::format(" {} calls were lost.", format_count(futexes.lost))
                                : "");
}

std::string futex_section(const WaitTables& waits, const MarkdownDetail& detail) {
  const FutexTables& futexes = waits.futexes;
  if (futexes.source.empty()) return "";
  if (futexes.totals.calls == 0 && futexes.lost == 0) {
    return fmt::format("Futex calls: none, source: {}.\n\n", plain(futexes.source));
  }
  std::string text = fmt::format(
      "Futex calls: {} in total, source: {}.{}{}\n\n", format_count(futexes.totals.calls),
      plain(futexes.source), futexes.call_sites ? "" : " Call sites are unavailable.",
      futexes.results ? "" : " How calls ended is unavailable, they were only counted.");
  text += futex_words(waits, detail) + conservation(futexes) + futex_rows(waits, detail) +
          wake_matrix(waits, detail);
  return text + wake_purposes(waits);
}

std::string role_times(const WallClockTables& clock) {
  std::vector<MarkdownTable::Column> columns{{"Thread"},
                                             {"Threads", Align::kRight},
                                             {"Elapsed", Align::kRight},
                                             {"On CPU", Align::kRight},
                                             {"Runnable", Align::kRight}};
  std::vector<std::string> titles;
  for (const std::string& reason : clock.reasons) titles.push_back("Blocked: " + reason);
  for (const std::string& title : titles) columns.push_back({title, Align::kRight});
  columns.push_back({"Sum", Align::kRight});
  MarkdownTable table(columns);
  for (const RoleTime& role : clock.roles) {
    std::vector<std::string> cells{code(role.role), format_count(role.threads),
                                   duration(role.elapsed_ns), duration(role.on_cpu_ns),
                                   duration(role.runnable_ns)};
    for (const std::string& reason : clock.reasons) {
      const auto found = role.blocked_ns.find(reason);
      cells.push_back(found == role.blocked_ns.end() ? "" : duration(found->second));
    }
    cells.push_back(duration(role.accounted_ns()));
    table.add(cells);
  }
  return table.take() + "\n";
}

std::string wall_clock_section(const WaitTables& waits, const MarkdownDetail& detail) {
  const WallClockTables& clock = waits.wall_clock;
  if (clock.source.empty()) return "";
  double worst = 0;
  for (const RoleTime& role : clock.roles) worst = std::max(worst, role.worst_gap);
  std::string text = fmt::format(
      "### Wall clock of each kind of thread\n\nSource: {}. The sum stands beside the elapsed time "
      "of the threads; in no single thread are they further apart than {}.{}\n\n",
      plain(clock.source), format_share(worst),
      clock.lost > 0 ? fmt::format(" {} switches were lost.", format_count(clock.lost)) : "");
  text += role_times(clock);
  const auto add = [](MarkdownTable& table, const BlockedRow& row) {
    const std::vector<std::string> times = time_cells(row.blocked);
    table.add({code(row.role), row.reason, row.word.empty() ? "" : code(row.word),
               join_words(code(row.stack)), row.waker.empty() ? "" : code(row.waker),
               format_count(row.blocked.count()), duration(row.blocked.sum_ns()), times[1],
               times[2], duration(row.runnable_ns)});
  };
  if (clock.rows.empty()) return text;
  return text + "Where threads were blocked, and who woke them:\n\n" +
         folded({{"Thread"},
                 {"Reason"},
                 {"Word"},
                 {"Stack, innermost first"},
                 {"Woken by"},
                 {"Times", Align::kRight},
                 {"Blocked", Align::kRight},
                 {"p50", Align::kRight},
                 {"p99", Align::kRight},
                 {"Then runnable", Align::kRight}},
                clock.rows, detail, add);
}

std::string fuse_section(const WaitTables& waits) {
  if (waits.fuse_source.empty()) return "";
  MarkdownTable table({{"Request"},
                       {"Count", Align::kRight},
                       {"Errors", Align::kRight},
                       {"Queue, mean", Align::kRight},
                       {"p99", Align::kRight},
                       {"Daemon, mean", Align::kRight},
                       {"p99", Align::kRight},
                       {"Reply, mean", Align::kRight},
                       {"p99", Align::kRight}});
  for (const FuseRow& row : waits.fuse) {
    std::vector<std::string> cells{code(row.operation), format_count(row.count),
                                   format_count(row.errors)};
    for (const auto* part : {&row.queue, &row.daemon, &row.reply}) {
      cells.push_back(*part ? format_duration((*part)->mean_ns())
                            : std::string(kUnavailableFigure));
      cells.push_back(*part ? format_duration((*part)->quantile_ns(0.99)) : "");
    }
    table.add(cells);
  }
  return fmt::format(
      "### FUSE requests\n\nSource: {}. Queue: in the kernel, until the daemon has read the "
      "request; daemon: from there until its reply; reply: in the system call that replies.\n\n"
      "{}\n",
      plain(waits.fuse_source), table.take());
}

}  // namespace

std::string markdown_waits(const ArmSummary& arm, const MarkdownDetail& detail) {
  if (!arm.waits) return "";
  const WaitTables& waits = *arm.waits;
  return fmt::format(
             "## Waits of {}\n\nFrom {} tracing round{} of together {}, {}. Quantiles are "
             "interpolated between powers of two.\n\n",
             code(arm.arm.name), waits.rounds, waits.rounds == 1 ? "" : "s",
             duration(waits.elapsed_ns),
             waits.operations > 0 ? fmt::format("{} operations", format_count(waits.operations))
                                  : "operations not counted") +
         wall_clock_section(waits, detail) + futex_section(waits, detail) + fuse_section(waits);
}

std::string markdown_wait_comparison(const Report& report, const Comparison& comparison) {
  if (comparison.waits.empty()) return "";
  MarkdownTable table({{"Futex word"},
                       {"Metric"},
                       {"Before", Align::kRight},
                       {"After", Align::kRight},
                       {"Change", Align::kRight},
                       {"Interval of the ratio", Align::kRight},
                       {"n", Align::kRight}});
  std::string common_note = comparison.waits.front().waits.note;
  for (const WordComparison& row : comparison.waits) {
    for (const MetricComparison* metric : {&row.waits, &row.wakes, &row.wait_ns}) {
      if (metric->interval || metric->note != common_note) common_note.clear();
    }
  }
  std::size_t small = 0;
  const auto add = [&](const std::string& word, const MetricComparison& metric, bool is_time) {
    const double largest = std::max(metric.before, metric.after);
    if (largest == 0) return;
    if (largest < (is_time ? kNotableTimeNs : kNotableCount)) {
      ++small;
      return;
    }
    const auto figure = [&](double value) {
      return is_time ? format_duration(value) : format_number(value);
    };
    table.add({word.empty() ? "all" : code(word), metric.title + " per operation",
               figure(metric.before), figure(metric.after), format_change(metric.ratio),
               metric.interval ? fmt::format("{:.3f} to {:.3f}", metric.interval->interval.low,
                                             metric.interval->interval.high)
                               : (common_note.empty() ? metric.note : ""),
               format_count(metric.pairs)});
  };
  for (const WordComparison& row : comparison.waits) {
    add(row.word, row.waits, false);
    add(row.word, row.wakes, false);
    add(row.word, row.wait_ns, true);
  }
  std::string text = fmt::format("### Waits: {} before, {} after\n\n{}\n",
                                 code(report.arms[comparison.before].arm.name),
                                 code(report.arms[comparison.after].arm.name), table.take());
  if (!common_note.empty()) text += fmt::format("No intervals: {}.\n\n", common_note);
  if (small > 0) {
    text += fmt::format(
        "{} figures below {} calls or {:.0f} ns per operation in both arms are in the JSON "
        "report.\n\n",
        small, kNotableCount, kNotableTimeNs);
  }
  return text;
}

}  // namespace vfsprof::reports
