#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "reports/analyze/characters.h"
#include "reports/analyze/text.h"
#include "reports/analyze/wait_opportunities.h"
#include "reports/write/markdown_parts.h"
#include "reports/write/markdown_table.h"

namespace vfsprof::reports {
namespace {

using Align = MarkdownTable::Align;

/// What an impact is less of.
std::string less_of(const WaitOpportunity& found) {
  return found.measure == WaitMeasure::kTime
             ? fmt::format("less time at work of {}", code(found.parts.front().role))
             : "less CPU time of the process";
}

std::string sites(const WaitOpportunity& found, const MarkdownDetail& detail) {
  MarkdownTable table({{"Thread"},
                       {"Call site"},
                       {"Does"},
                       {"Calls", Align::kRight},
                       {"In vain", Align::kRight},
                       {"Elapsed", Align::kRight},
                       {"CPU time", Align::kRight}});
  std::size_t left_out = 0;
  const auto add = [&](const std::vector<WaitSite>& list, bool waiting) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      const WaitSite& site = list[i];
      if (i >= detail.wait_rows / 2) {
        ++left_out;
        continue;
      }
      const std::string time = format_duration(static_cast<double>(site.time_ns));
      table.add({code(site.role), code(site.site), waiting ? "sleeps" : "wakes",
                 format_count(site.calls), format_count(site.in_vain), waiting ? time : "",
                 waiting ? "" : time});
    }
  };
  add(found.waiting, true);
  add(found.waking, false);
  std::string text = table.take() + "\n";
  if (left_out > 0)
    text += fmt::format("{} further call sites are in the JSON report.\n\n", left_out);
  return text;
}

std::string remedy(const WaitOpportunity& found) {
  std::vector<std::string> changes;
  for (const NamedValue& change : found.changes) {
    changes.push_back(code(change.name + "=" + change.value));
  }
  std::string text =
      changes.empty() ? found.remedy : fmt::format("{}: {}", join_words(changes), found.remedy);
  if (!found.variant.empty()) text += fmt::format(" The variant: {}.", code(found.variant));
  return text;
}

std::string item(const WaitOpportunity& found, std::size_t number, const MarkdownDetail& detail) {
  std::string priority = to_string(found.priority);
  std::ranges::transform(priority, priority.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  std::string text =
      fmt::format("### [{}] Waiting {}: {}\n\n", priority, number, plain(found.title));
  text += fmt::format("**Problem.** {}\n\n{}", found.problem, sites(found, detail));
  if (!found.cause.empty()) text += fmt::format("**Root cause.** {}\n\n", found.cause);
  return text + fmt::format("**Remedy** ({} complexity). {}\n\nExpected impact: {} {}. {}\n\n",
                            to_string(found.complexity), remedy(found), impact_range(found.impact),
                            less_of(found), found.derivation);
}

}  // namespace

std::string markdown_wait_opportunities(const Report& report, const ArmOpportunities& found,
                                        const MarkdownDetail& detail) {
  const WaitsFound& waits = found.waits;
  std::string text;
  if (!waits.listed.empty()) {
    text = fmt::format(
        "## Waiting worth ending in {} (at least {:g} % impact)\n\nA program can be slow for "
        "waiting that takes no CPU time, and no table of samples shows it. From the ledgers of "
        "waits, of elapsed time (or of the CPU time of futex calls while they were traced). Time "
        "at work is elapsed time without what a thread waited for work: FUSE requests, polls, "
        "named queues.\n\n",
        code(report.arms[found.arm].arm.name), 100 * report.threshold);
    if (!waits.missing.empty()) text += fmt::format("Not looked for: {}.\n\n", waits.missing);
  }
  for (std::size_t i = 0; i < waits.listed.size(); ++i) {
    text += item(waits.listed[i], i + 1, detail);
  }
  std::vector<std::string> words;
  for (const UnlistedOpportunity& each : waits.unlisted) {
    words.push_back(
        fmt::format("{} ({})", plain(shortened(each.title)), impact_range(each.impact)));
  }
  if (words.empty()) return text;
  return text + fmt::format(
                    "Waiting that was found, but with a lower bound below the threshold: "
                    "{}.\n\n",
                    join_words(words));
}

std::string markdown_wait_recommendations(const ArmOpportunities& found) {
  if (found.waits.listed.empty()) return "";
  MarkdownTable table({{"Priority"},
                       {"Waiting"},
                       {"Word"},
                       {"Expected impact", Align::kRight},
                       {"Complexity"},
                       {"Change"}});
  for (const WaitOpportunity& each : found.waits.listed) {
    table.add({to_string(each.priority), plain(each.title), code(each.word),
               fmt::format("{} {}", impact_range(each.impact), less_of(each)),
               std::string(to_string(each.complexity)),
               each.variant.empty() ? "see above" : code(each.variant)});
  }
  return table.take() +
         "\nThese are parts of another whole than CPU time per operation: they are in no combined "
         "potential.\n\n";
}

}  // namespace vfsprof::reports
