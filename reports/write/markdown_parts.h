#pragma once

#include <cstddef>
#include <string>

#include "reports/analyze/report.h"

namespace vfsprof::reports {

// The sections of the Markdown report; each returns text that ends in a newline, or nothing.

/// How much detail fits.
struct MarkdownDetail {
  double smallest_share = 0;      ///< rows and threads below it are summed up (0 to 1)
  std::size_t stack_frames = 10;  ///< innermost frames of an opportunity's call stacks
  std::size_t wait_rows = 12;     ///< of each table of waits
  bool wait_tails = true;         ///< whether further rows follow, folded; else they are counted
};

/// Text that a reader opens; nothing if there is none.
std::string folded(const std::string& title, const std::string& text);

/// A cost per operation in nanoseconds, "unavailable" where operations were not counted.
std::string cost_cell(const CpuTime& time);

std::string markdown_comparison(const Report& report, const Comparison& comparison,
                                const MarkdownDetail& detail);
/// Two recordings, burst by burst.
std::string markdown_bursts(const Report& report, const Comparison& comparison);
std::string markdown_floors(const Report& report);
/// What each layer costs, where several targets ran; whether a run in lockstep repeated.
std::string markdown_layers(const Report& report);
std::string markdown_observing(const Report& report);
std::string markdown_events(const Report& report);
/// The threads of a program that is not ours.
std::string markdown_threads_per_second(const ArmSummary& arm);
std::string markdown_work(const Report& report);
/// Response times, intervals of percentiles, clients over time, fairness, generator, warm-up.
std::string markdown_clients(const Report& report);
/// Its figure, or that there are too few values.
std::string percentile_cell(const Percentile& percentile);
std::string markdown_profile(const ArmSummary& arm, const MarkdownDetail& detail);
std::string markdown_summary(const Report& report);
/// What is worth changing in an arm, and all of it in one table.
std::string markdown_opportunities(const Report& report, const ArmOpportunities& found,
                                   const MarkdownDetail& detail);
/// What of an arm's waiting is worth ending; and a table of it for the summary.
std::string markdown_wait_opportunities(const Report& report, const ArmOpportunities& found,
                                        const MarkdownDetail& detail);
std::string markdown_wait_recommendations(const ArmOpportunities& found);
/// "32.1 to 41.0 %".
std::string impact_range(const Interval& impact);
std::string markdown_next_steps(const Report& report);
std::string markdown_waits(const ArmSummary& arm, const MarkdownDetail& detail);
std::string markdown_wait_comparison(const Report& report, const Comparison& comparison);
std::string markdown_document_rows(const Report& report);
std::string markdown_limits(const Report& report);
std::string markdown_environment(const Report& report);
std::string markdown_method(const Report& report);

}  // namespace vfsprof::reports
