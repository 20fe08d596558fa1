#include <fmt/format.h>

#include "reports/analyze/lockstep.h"
#include "reports/analyze/text.h"
#include "reports/write/markdown_parts.h"
#include "reports/write/markdown_table.h"

namespace vfsprof::reports {
namespace {

std::string cost_text(const LayerCost& cost) {
  if (cost.rounds == 0) return "not measured";
  if (!cost.cpu_ns.interval) return format_duration(cost.cpu_ns.value);
  return fmt::format("{} [{}, {}]", format_duration(cost.cpu_ns.value),
                     format_duration(cost.cpu_ns.interval->low),
                     format_duration(cost.cpu_ns.interval->high));
}

}  // namespace

std::string markdown_layers(const Report& report) {
  std::string text;
  if (report.lockstep) text += plain(describe(*report.lockstep)) + "\n\n";
  if (report.layers.empty()) return text;
  text += "## Layers\n\n";
  for (const LayerReport& variant : report.layers) {
    MarkdownTable table({{"Layer"},
                         {"Made from"},
                         {"CPU time per operation", MarkdownTable::Align::kRight},
                         {"n", MarkdownTable::Align::kRight}});
    for (const LayerCost& cost : variant.layers) {
      table.add(
          {plain(cost.layer), plain(cost.made_from), cost_text(cost), std::to_string(cost.rounds)});
    }
    text += fmt::format("{}:\n\n", code(variant.variant)) + table.take() + "\n";
    if (!variant.work.empty()) text += plain(variant.work) + ".\n\n";
  }
  return text +
         "CPU time of clients and file system together; differences of rounds of one block, "
         "medians, in brackets with 95 % intervals. In process there is no page cache, so reads "
         "that the kernel would serve from it are requests there.\n\n";
}

}  // namespace vfsprof::reports
