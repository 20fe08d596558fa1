#include <fmt/format.h>

#include <algorithm>

#include "reports/analyze/text.h"
#include "reports/write/markdown_parts.h"
#include "reports/write/markdown_table.h"

namespace vfsprof::reports {
namespace {

using Align = MarkdownTable::Align;

constexpr std::size_t kBurstsPrinted = 20;

std::string length(std::uint64_t elapsed_ns) {
  return elapsed_ns == 0 ? std::string(kUnavailableFigure)
                         : format_duration(static_cast<double>(elapsed_ns));
}

std::string cell_text(const BurstCell& cell) {
  return fmt::format("{} -> {} ({} pp)", format_share(cell.share_before),
                     format_share(cell.share_after),
                     format_signed(100 * (cell.share_after - cell.share_before), 2));
}

/// "rose in 3 of 4".
std::string direction(const std::vector<BurstPair>& bursts, std::size_t cell) {
  const auto rose = std::ranges::count_if(bursts, [&](const BurstPair& pair) {
    return pair.cells[cell].share_after > pair.cells[cell].share_before;
  });
  return fmt::format("rose in {} of {}", rose, bursts.size());
}

}  // namespace

std::string markdown_bursts(const Report& report, const Comparison& comparison) {
  if (comparison.bursts.empty()) return "";
  const std::vector<BurstPair>& bursts = comparison.bursts;
  std::vector<std::string> titles;
  for (const BurstCell& cell : bursts.front().cells) {
    titles.push_back(fmt::format("{} in {}", plain(cell.title), code(cell.role)));
  }
  std::vector<MarkdownTable::Column> columns{
      {"Burst", Align::kRight}, {"Samples", Align::kRight}, {"Duration", Align::kRight}};
  for (const std::string& title : titles) columns.push_back({title, Align::kRight});
  MarkdownTable table(columns);
  for (std::size_t i = 0; i < std::min(bursts.size(), kBurstsPrinted); ++i) {
    const BurstPair& pair = bursts[i];
    std::vector<std::string> cells{
        std::to_string(pair.burst + 1),
        fmt::format("{} -> {}", format_count(pair.samples_before),
                    format_count(pair.samples_after)),
        fmt::format("{} -> {}", length(pair.elapsed_before_ns), length(pair.elapsed_after_ns))};
    for (const BurstCell& cell : pair.cells) cells.push_back(cell_text(cell));
    table.add(cells);
  }
  std::vector<std::string> last{"*all*", "", ""};
  for (std::size_t i = 0; i < titles.size(); ++i) last.push_back(direction(bursts, i));
  table.add(last);
  std::string text = fmt::format(
      "### Burst by burst\n\n{}\nBursts of the same number of {} and {}; shares of each burst's "
      "samples, of the rows that are largest over all. A change that is real keeps its direction.",
      table.take(), code(report.arms[comparison.before].arm.name),
      code(report.arms[comparison.after].arm.name));
  if (bursts.size() > kBurstsPrinted) {
    text += fmt::format(" {} more bursts are in the JSON report.", bursts.size() - kBurstsPrinted);
  }
  return text + "\n\n";
}

}  // namespace vfsprof::reports
