#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "reports/analyze/characters.h"
#include "reports/analyze/text.h"
#include "reports/analyze/wait_opportunities.h"
#include "reports/write/markdown_parts.h"
#include "reports/write/markdown_table.h"

namespace vfsprof::reports {
namespace {

using Align = MarkdownTable::Align;

/// A name within a code block: on one line, and without what would end the block.
std::string verbatim(const std::string& name) {
  std::string text = shortened(printable(name));
  std::ranges::replace(text, '`', '\'');
  std::ranges::replace(text, ';', ':');
  return text;
}

std::string stacks(const Opportunity& found, const MarkdownDetail& detail) {
  std::string text = "```\n";
  for (const CarryingStack& stack : found.stacks) {
    text += verbatim(stack.role);
    // Outer frames are alike, and the report has a limit; report.json has them all.
    const std::size_t left_out =
        stack.frames.size() - std::min(stack.frames.size(), detail.stack_frames);
    if (!stack.is_whole || left_out > 0) text += ";...";
    for (const std::string& frame : stack.frames | std::views::drop(left_out)) {
      text += ";" + verbatim(frame);
    }
    if (stack.frames.empty()) text += fmt::format(";({})", stack.category);
    text += fmt::format(" {:.1f} %\n", 100 * stack.share);
  }
  return folded(fmt::format("{} call stack{} with {:.0f} % of it", found.stacks.size(),
                            found.stacks.size() == 1 ? "" : "s", 100 * found.stacks_share),
                text + "```\n\n");
}

std::string remedy(const Opportunity& found) {
  if (found.changes.empty()) return found.remedy;
  std::vector<std::string> changes;
  for (const NamedValue& change : found.changes) {
    changes.push_back(code(change.name + "=" + change.value));
  }
  return fmt::format("{}: {}", join_words(changes), found.remedy);
}

std::string capitals(const std::string& word) {
  std::string text = word;
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string item(const Opportunity& found, std::size_t number, const MarkdownDetail& detail) {
  std::string text = fmt::format("### [{}] Opportunity {}: {}\n\n",
                                 capitals(to_string(found.priority)), number, plain(found.title));
  text += fmt::format("**Problem.** {}\n\n{}", found.problem, stacks(found, detail));
  if (!found.cause.empty()) text += fmt::format("**Root cause.** {}\n\n", found.cause);
  text += fmt::format("**Remedy** ({} complexity). {}", to_string(found.complexity), remedy(found));
  if (!found.variant.empty()) text += fmt::format(" The variant: {}.", code(found.variant));
  return text + fmt::format("\n\nExpected impact: {} less CPU time per operation. {}\n\n",
                            impact_range(found.impact), found.derivation);
}

std::string roles(const Opportunity& found) {
  std::vector<std::string> names;
  for (const EvidenceCell& cell : found.cells) {
    if (std::ranges::find(names, code(cell.role)) == names.end()) names.push_back(code(cell.role));
  }
  return join_words(names);
}

std::string recommendations(const ArmOpportunities& found) {
  MarkdownTable table({{"Priority"},
                       {"Optimization"},
                       {"Expected impact", Align::kRight},
                       {"Complexity"},
                       {"Change"},
                       {"Threads"}});
  for (const Opportunity& each : found.listed) {
    table.add({to_string(each.priority), plain(each.title), impact_range(each.impact),
               std::string(to_string(each.complexity)),
               each.variant.empty() ? "see above" : code(each.variant), roles(each)});
  }
  std::string text = table.take() + "\n";
  if (!found.combined) return text;
  return text +
         fmt::format(
             "Combined potential: {}. Each works on what those above it leave (1 minus the product "
             "of the rests), and evidence of several counts for the first of them. Priority is the "
             "lower bound of the impact weighed by complexity.\n\n",
             impact_range(*found.combined));
}

std::string unlisted(const ArmOpportunities& found) {
  std::vector<std::string> words;
  for (const UnlistedOpportunity& each : found.unlisted) {
    words.push_back(fmt::format("{} ({})", plain(each.title), impact_range(each.impact)));
  }
  if (words.empty()) return "";
  return fmt::format("Found, but with a lower bound below the threshold: {}.\n\n",
                     join_words(words));
}

/// Where CPU time could be saved.
std::string cpu_opportunities(const Report& report, const ArmOpportunities& found,
                              const MarkdownDetail& detail) {
  const std::string percent = fmt::format("{:g} %", 100 * report.threshold);
  std::string text = fmt::format("## Opportunities in {} (at least {} impact)\n\n",
                                 code(report.arms[found.arm].arm.name), percent);
  if (!found.absent.empty())
    return text + fmt::format("None was looked for: {}.\n\n", found.absent);
  if (!found.limits.empty()) text += fmt::format("Limits: {}.\n\n", found.limits);
  if (found.listed.empty()) {
    text += fmt::format(
        "No rule finds anything whose impact is {} or more with 95 % confidence.\n\n", percent);
  }
  for (std::size_t i = 0; i < found.listed.size(); ++i)
    text += item(found.listed[i], i + 1, detail);
  return text + unlisted(found);
}

std::string cpu_summary(const ArmOpportunities& found, double threshold) {
  if (!found.absent.empty()) return "CPU time was not sampled enough to recommend anything.";
  if (found.listed.empty())
    return fmt::format("nothing to recommend above {:g} %.", 100 * threshold);
  std::vector<std::string> words;
  for (const Opportunity& each : found.listed) {
    words.push_back(fmt::format("{} ({})", plain(each.title), impact_range(each.impact)));
  }
  std::string text = fmt::format("{} opportunit{}: {}.", found.listed.size(),
                                 found.listed.size() == 1 ? "y" : "ies", join_words(words));
  if (found.listed.size() > 1 && found.combined) {
    text += fmt::format(" Combined potential: {}.", impact_range(*found.combined));
  }
  return text;
}

std::string wait_summary(const ArmOpportunities& found) {
  std::vector<std::string> words;
  for (const WaitOpportunity& each : found.waits.listed) {
    words.push_back(fmt::format("{} at {} ({} {})", plain(each.title), code(each.word),
                                impact_range(each.impact), whole_words(each)));
  }
  return words.empty() ? "" : fmt::format(" Waiting worth ending: {}.", join_words(words));
}

}  // namespace

std::string impact_range(const Interval& impact) {
  return fmt::format("{:.1f} to {:.1f} %", 100 * impact.low, 100 * impact.high);
}

std::string markdown_opportunities(const Report& report, const ArmOpportunities& found,
                                   const MarkdownDetail& detail) {
  std::string text =
      cpu_opportunities(report, found, detail) + markdown_wait_opportunities(report, found, detail);
  if (found.listed.empty() && found.waits.listed.empty()) return text;
  text += fmt::format("## Summary of recommendations for {}\n\n",
                      code(report.arms[found.arm].arm.name));
  if (!found.listed.empty()) text += recommendations(found);
  return text + markdown_wait_recommendations(found);
}

std::string markdown_summary(const Report& report) {
  if (report.key_finding.empty()) return "";
  std::string text = "## Executive summary\n\n**Key finding.** " + report.key_finding + "\n\n";
  for (const ArmOpportunities& found : report.opportunities) {
    if (!found.absent.empty() && found.waits.listed.empty()) continue;
    text += fmt::format("- {}: {}{}\n", code(report.arms[found.arm].arm.name),
                        cpu_summary(found, report.threshold), wait_summary(found));
  }
  return text + (report.opportunities.empty() ? "" : "\n");
}

std::string markdown_next_steps(const Report& report) {
  // Of the last arm: the one that a comparison leads to.
  if (report.opportunities.empty() || report.opportunities.back().next_steps.empty()) return "";
  const ArmOpportunities& found = report.opportunities.back();
  std::string text = fmt::format("## Next steps for {}\n\n", code(report.arms[found.arm].arm.name));
  for (std::size_t i = 0; i < found.next_steps.size(); ++i) {
    text += fmt::format("{}. {}\n", i + 1, found.next_steps[i]);
  }
  return text + "\n";
}

}  // namespace vfsprof::reports
