#include <fmt/format.h>

#include "reports/analyze/text.h"
#include "reports/write/markdown_parts.h"
#include "reports/write/markdown_table.h"

namespace vfsprof::reports {
namespace {

using Align = MarkdownTable::Align;

std::string value_text(const MetricComparison& metric, double value) {
  if (metric.pairs == 0) return "not measured";
  return metric.unit.starts_with("ns") ? format_duration(value) : format_number(value);
}

std::string ratio_text(const MetricComparison& metric) {
  if (metric.pairs == 0) return "";
  if (!metric.interval) return fmt::format("{:.3f} ({})", metric.ratio, metric.note);
  return fmt::format("{:.3f} [{:.3f}, {:.3f}]", metric.ratio, metric.interval->interval.low,
                     metric.interval->interval.high);
}

std::string above_text(const Estimate& above) {
  if (!above.interval) return format_duration(above.value);
  return fmt::format("{} [{}, {}]", format_duration(above.value),
                     format_duration(above.interval->low), format_duration(above.interval->high));
}

std::string arms_table(const Report& report) {
  MarkdownTable table({{"Arm"},
                       {"Metric"},
                       {"Null handler", Align::kRight},
                       {"Arm's value", Align::kRight},
                       {"Above the floor", Align::kRight},
                       {"Ratio to the floor", Align::kRight},
                       {"n", Align::kRight}});
  for (const ArmFloor& floor : report.floors.arms) {
    for (const MetricComparison& metric : floor.metrics) {
      const bool is_cpu = metric.id == "cpu_ns_per_operation" && metric.pairs > 0;
      table.add({code(report.arms[floor.arm].arm.name), plain(metric.title),
                 value_text(metric, metric.before), value_text(metric, metric.after),
                 is_cpu ? above_text(floor.cpu_above_ns) : "", ratio_text(metric),
                 std::to_string(metric.pairs)});
    }
  }
  return table.take();
}

std::string null_handler_text(const Report& report) {
  const FloorReport& floors = report.floors;
  if (!floors.absent.empty()) {
    return fmt::format("No null handler ran beside this: {}.\n\n", plain(floors.absent));
  }
  std::string text = arms_table(report) + "\n";
  for (const ArmFloor& floor : floors.arms) {
    for (const std::string& reason : floor.void_rounds) {
      text += fmt::format("- void, null handler of {}: {}\n", code(report.arms[floor.arm].arm.name),
                          plain(reason));
    }
  }
  return text +
         "The null handler only replies, under the same mount options, clients and placement; its "
         "rounds take turns with those of the arms. It keeps no contents: a read gives what the "
         "kernel's page cache has, and how much that is, is not checked. CPU time is per "
         "operation, throughput in "
         "operations "
         "per second; medians of the rounds, ratios and differences of their pairs, in brackets "
         "with "
         "95 % intervals.\n\n";
}

std::string machine_value(const MachineFloorSummary& floor, double value) {
  return floor.unit == "ns" ? format_duration(value)
                            : fmt::format("{} {}", format_number(value), plain(floor.unit));
}

std::string machine_interval(const MachineFloorSummary& floor) {
  if (!floor.value.interval) return "";
  return fmt::format("{} to {}", machine_value(floor, floor.value.interval->low),
                     machine_value(floor, floor.value.interval->high));
}

std::string machine_table(const Report& report) {
  if (report.floors.machine.empty()) return "";
  MarkdownTable table({{"Floor of this machine"},
                       {"Median", Align::kRight},
                       {"95 % interval", Align::kRight},
                       {"n", Align::kRight},
                       {"Conditions"}});
  for (const MachineFloorSummary& floor : report.floors.machine) {
    if (floor.repeats == 0) {
      table.add({plain(floor.title), "unavailable", "", "0", plain(floor.unavailable)});
      continue;
    }
    table.add({plain(floor.title), machine_value(floor, floor.value.value), machine_interval(floor),
               std::to_string(floor.repeats), plain(floor.conditions)});
  }
  return table.take() + "\n";
}

}  // namespace

std::string markdown_floors(const Report& report) {
  if (report.arms.empty()) return machine_table(report);
  return "## Beside its floor\n\n" + null_handler_text(report) + machine_table(report);
}

}  // namespace vfsprof::reports
