#include <fmt/format.h>

#include <algorithm>

#include "reports/analyze/text.h"
#include "reports/write/markdown_parts.h"
#include "reports/write/markdown_table.h"

namespace vfsprof::reports {
namespace {

using Align = MarkdownTable::Align;

/// In the order of RoundKind.
constexpr std::string_view kObservers[] = {"nothing", "sampler", "ledgers of waits",
                                           "counted events"};

std::string interval_cell(const ObserverCost& cost) {
  if (!cost.interval) {
    return fmt::format("unknown: {} more pair{} needed", cost.pairs_missing,
                       cost.pairs_missing == 1 ? "" : "s");
  }
  const Interval& interval = cost.interval->interval;
  return fmt::format("{} to {} ({:.1f} %)", format_change(interval.low),
                     format_change(interval.high), 100 * cost.interval->confidence);
}

std::string per(bool per_operation, double ns) {
  return fmt::format("{} per {}", format_duration(ns), per_operation ? "operation" : "second");
}

std::string count_cell(const EventSummary& event) {
  if (!event.unavailable.empty()) return std::string(kUnavailableFigure);
  std::string text = format_number(event.count);
  if (event.running_share < 0.999) {
    text += fmt::format(" (scaled: counted {:.0f} % of the time)", 100 * event.running_share);
  }
  return text;
}

const EventSummary* find_event(const ArmSummary& arm, const std::string& name) {
  const auto found = std::ranges::find(arm.events, name, &EventSummary::name);
  return found == arm.events.end() ? nullptr : &*found;
}

double role_count(const EventSummary& event, const std::string& role) {
  const auto found = std::ranges::find(event.roles, role, &RoleEvents::role);
  return found == event.roles.end() ? 0 : found->count;
}

/// Totals, then thread roles, a column per arm.
void add_event(const Report& report, const std::string& name, MarkdownTable& table) {
  std::vector<std::string> roles;
  std::vector<std::string> cells{fmt::format("**{}**", plain(name)), "all threads"};
  for (const ArmSummary& arm : report.arms) {
    const EventSummary* const event = find_event(arm, name);
    cells.push_back(event == nullptr ? "" : count_cell(*event));
    if (event == nullptr) continue;
    for (const RoleEvents& role : event->roles) {
      if (std::ranges::find(roles, role.role) == roles.end()) roles.push_back(role.role);
    }
  }
  table.add(cells);
  for (const std::string& role : roles) {
    cells = {plain(name), code(role)};
    for (const ArmSummary& arm : report.arms) {
      const EventSummary* const event = find_event(arm, name);
      const bool counted = event != nullptr && event->unavailable.empty();
      cells.push_back(counted ? format_number(role_count(*event, role)) : "");
    }
    table.add(cells);
  }
}

}  // namespace

std::string markdown_observing(const Report& report) {
  MarkdownTable table({{"Arm"},
                       {"Observer"},
                       {"CPU time without", Align::kRight},
                       {"CPU time with", Align::kRight},
                       {"Change", Align::kRight},
                       {"Interval of the change", Align::kRight},
                       {"n", Align::kRight},
                       {"The collectors' own CPU time", Align::kRight}});
  bool per_second = false;
  for (const ArmSummary& arm : report.arms) {
    for (const ObserverCost& cost : arm.observing) {
      per_second = per_second || !cost.per_operation;
      const bool paired = cost.pairs > 0;
      table.add({code(arm.arm.name), std::string(kObservers[static_cast<std::size_t>(cost.kind)]),
                 paired ? per(cost.per_operation, cost.off_ns) : std::string(kUnavailableFigure),
                 paired ? per(cost.per_operation, cost.on_ns) : std::string(kUnavailableFigure),
                 paired ? format_change(cost.ratio) : "", interval_cell(cost),
                 std::to_string(cost.pairs), per(cost.per_operation, cost.collector_ns)});
    }
  }
  if (table.empty()) return "";
  std::string text = "## Cost of observing\n\n" + table.take() + "\n";
  text +=
      "CPU time of the observed process in rounds with an observer against the nearest timing "
      "round, n pairs; the collectors' own CPU time is in no other row.";
  if (per_second) {
    text +=
        " Operations were not counted: CPU time per second shows what observing costs only as far "
        "as the program had the same work to do, and the CPU was not busy all the time.";
  }
  return text + "\n\n";
}

std::string markdown_events(const Report& report) {
  std::vector<MarkdownTable::Column> columns{{"Event"}, {"Threads"}};
  std::vector<std::string> titles, names;
  bool per_operation = true;
  for (const ArmSummary& arm : report.arms) titles.push_back(code(arm.arm.name));
  for (const std::string& title : titles) columns.push_back({title, Align::kRight});
  for (const ArmSummary& arm : report.arms) {
    for (const EventSummary& event : arm.events) {
      per_operation = event.per_operation;
      if (std::ranges::find(names, event.name) == names.end()) names.push_back(event.name);
    }
  }
  if (names.empty()) return "";
  MarkdownTable table(columns);
  for (const std::string& name : names) add_event(report, name, table);
  std::string text = fmt::format("## Counted events, per {}\n\n{}\n",
                                 per_operation ? "operation" : "second", table.take());
  for (const ArmSummary& arm : report.arms) {
    for (const EventSummary& event : arm.events) {
      if (event.unavailable.empty()) continue;
      text += fmt::format("- {} of {}: unavailable, because {}\n", plain(event.name),
                          code(arm.arm.name), plain(event.unavailable));
    }
  }
  return text + "\n";
}

std::string markdown_threads_per_second(const ArmSummary& arm) {
  if (arm.per_second.empty()) return "";
  MarkdownTable table({{"Thread"},
                       {"CPU time", Align::kRight},
                       {"Waiting for a CPU", Align::kRight},
                       {"Context switches", Align::kRight}});
  for (const RoleUsage& usage : arm.per_second) {
    table.add({code(usage.role), format_duration(usage.cpu_ns), format_duration(usage.runnable_ns),
               format_number(usage.voluntary_switches + usage.involuntary_switches)});
  }
  return fmt::format("Per second, by the scheduler's account, without an observer:\n\n{}\n",
                     table.take());
}

}  // namespace vfsprof::reports
