#include <fmt/format.h>

#include "reports/analyze/text.h"
#include "reports/write/markdown_parts.h"
#include "reports/write/markdown_table.h"

namespace vfsprof::reports {
namespace {

using Align = MarkdownTable::Align;

std::string response_table(const Report& report) {
  MarkdownTable table({{"Arm"},
                       {"Response time of"},
                       {"Count", Align::kRight},
                       {"p50", Align::kRight},
                       {"p90", Align::kRight},
                       {"p99", Align::kRight},
                       {"p99.9", Align::kRight},
                       {"p99.99", Align::kRight},
                       {"max", Align::kRight}});
  for (const ArmSummary& arm : report.arms) {
    for (const OperationSummary& kind : arm.kinds) {
      if (!kind.response) continue;
      std::vector<std::string> cells{code(arm.arm.name), plain(kind.kind),
                                     format_count(kind.response->count)};
      for (const Percentile& each : kind.response->percentiles) {
        cells.push_back(percentile_cell(each));
      }
      cells.push_back(format_duration(static_cast<double>(kind.response->max_ns)));
      table.add(cells);
    }
  }
  if (table.empty()) return "";
  return "Response times count from when an operation was to start, so one that waits behind a "
         "slow one counts in full.\n\n" +
         table.take() + "\n";
}

/// "[41.2 µs, 43.0 µs]" for each percentile that has one.
void add_intervals(const std::string& arm, const std::string& kind, const LatencySummary& times,
                   MarkdownTable& table) {
  std::vector<std::string> cells{arm, kind};
  bool any = false;
  for (const Percentile& each : times.percentiles) {
    any = any || each.interval.has_value();
    cells.push_back(each.interval
                        ? fmt::format("{} to {}", format_duration(each.interval->interval.low),
                                      format_duration(each.interval->interval.high))
                        : "none");
  }
  if (any) table.add(cells);
}

std::string interval_table(const Report& report) {
  MarkdownTable table({{"Arm"},
                       {"Time"},
                       {"p50", Align::kRight},
                       {"p90", Align::kRight},
                       {"p99", Align::kRight},
                       {"p99.9", Align::kRight},
                       {"p99.99", Align::kRight}});
  for (const ArmSummary& arm : report.arms) {
    for (const OperationSummary& kind : arm.kinds) {
      add_intervals(code(arm.arm.name), plain(kind.kind), kind.service, table);
      if (kind.response) {
        add_intervals(code(arm.arm.name), plain(kind.kind) + ", response", *kind.response, table);
      }
    }
  }
  return table.empty() ? "" : table.take() + "\n";
}

std::string percentile_notes(const Report& report) {
  bool missing = false;
  for (const ArmSummary& arm : report.arms) {
    for (const OperationSummary& kind : arm.kinds) {
      for (const Percentile& each : kind.service.percentiles) {
        missing = missing || !each.unavailable.empty();
      }
    }
  }
  if (!missing) return "";
  return fmt::format(
      "`n too small`: fewer than {} values lie beyond the percentile (p99 needs {} values, p99.9 "
      "{}, p99.99 {}).\n\n",
      kFewestBeyond, format_count(values_needed_for(0.99)), format_count(values_needed_for(0.999)),
      format_count(values_needed_for(0.9999)));
}

std::string steady_cell(const SteadyState& steady) {
  if (!steady.unavailable.empty()) return "too short to tell";
  if (steady.stable_from == 0) return "**never**";
  if (steady.stable_from == 1) return "the start";
  return fmt::format("window {} of {}, after {}", steady.stable_from, kSteadyWindows,
                     format_duration(steady.stable_after_ns));
}

std::string throughput_table(const Report& report) {
  MarkdownTable table({{"Arm"},
                       {"Slices of time", Align::kRight},
                       {"operations/s, 5th percentile", Align::kRight},
                       {"median", Align::kRight},
                       {"95th percentile", Align::kRight},
                       {"Steady from"}});
  for (const ArmSummary& arm : report.arms) {
    const ClientsSummary& clients = arm.clients;
    if (clients.clients == 0) continue;
    const auto rate = [&](double value) {
      return clients.slices == 0 ? "too short" : format_number(value);
    };
    table.add({code(arm.arm.name), format_count(clients.slices), rate(clients.low_per_second),
               rate(clients.median_per_second), rate(clients.high_per_second),
               steady_cell(clients.steady)});
  }
  return table.empty() ? "" : table.take() + "\n";
}

std::string fairness_table(const Report& report) {
  MarkdownTable table({{"Arm"},
                       {"Job"},
                       {"Clients", Align::kRight},
                       {"Slowest client, operations/s", Align::kRight},
                       {"Fastest", Align::kRight},
                       {"Fairness (Jain's index)", Align::kRight}});
  for (const ArmSummary& arm : report.arms) {
    for (const JobFairness& job : arm.clients.jobs) {
      if (job.clients < 2) continue;
      table.add({code(arm.arm.name), plain(job.job), format_count(job.clients),
                 format_number(job.slowest_per_second), format_number(job.fastest_per_second),
                 fmt::format("{:.3f}", job.index)});
    }
  }
  return table.empty() ? "" : table.take() + "\n";
}

std::string generator_lines(const Report& report) {
  std::string text;
  for (const ArmSummary& arm : report.arms) {
    const ClientsSummary& clients = arm.clients;
    if (clients.clients == 0) continue;
    text += fmt::format(
        "- {}: the generator takes {} of the clients' CPU time per operation for itself ({} of "
        "it), as measured before each round on {} operations without system calls.\n",
        code(arm.arm.name), format_duration(clients.generator_ns),
        format_share(clients.generator_share), format_count(clients.calibration_operations));
    if (!clients.punctuality) continue;
    const Punctuality& kept = *clients.punctuality;
    text += fmt::format(
        "- {}: operations were issued {} after their time (median; p99 {}): {} of the {} between "
        "two of a client; the last fifth {} of that later than the first.\n",
        code(arm.arm.name), format_duration(static_cast<double>(kept.late_p50_ns)),
        format_duration(static_cast<double>(kept.late_p99_ns)), format_share(kept.error),
        format_duration(kept.interval_ns), format_share(kept.drift));
  }
  return text.empty() ? "" : text + "\n";
}

std::string warm_up_line(const WarmUp& warm_up) {
  if (warm_up.criterion.empty()) return "";
  std::string values;
  for (const WarmUpRound& round : warm_up.rounds) {
    values += (values.empty() ? "" : ", ");
    if (round.ns_per_operation > 0) values += format_duration(round.ns_per_operation) + " at ";
    values += format_number(round.operations_per_second) + "/s";
  }
  return fmt::format("Warm-up: {} rounds that are not recorded ({}); {}. It lasts {}.\n\n",
                     warm_up.rounds.size(), values,
                     warm_up.stable_from > 0
                         ? fmt::format("stable from round {} on", warm_up.stable_from)
                         : "**never stable**",
                     plain(warm_up.criterion));
}

}  // namespace

std::string percentile_cell(const Percentile& percentile) {
  return percentile.unavailable.empty() ? format_duration(static_cast<double>(percentile.ns))
                                        : "n too small";
}

std::string markdown_clients(const Report& report) {
  std::string text = percentile_notes(report) + response_table(report) +
                     folded("Intervals of the percentiles, over rounds", interval_table(report));
  const std::string over_time = throughput_table(report) + fairness_table(report) +
                                generator_lines(report) + warm_up_line(report.warm_up);
  if (!over_time.empty()) text += "### Clients over time\n\n" + over_time;
  return text;
}

}  // namespace vfsprof::reports
