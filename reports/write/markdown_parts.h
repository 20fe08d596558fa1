#pragma once

#include <string>

#include "reports/analyze/report.h"

namespace vfsprof::reports {

// The sections of the Markdown report; each returns text that ends in a newline, or nothing.

/// How much detail fits.
struct MarkdownDetail {
  double smallest_share = 0;  ///< rows and threads below it are summed up (0 to 1)
};

/// A cost per operation in nanoseconds, "unavailable" where operations were not counted.
std::string cost_cell(const CpuTime& time);

std::string markdown_comparison(const Report& report, const Comparison& comparison);
std::string markdown_floors(const Report& report);
std::string markdown_work(const Report& report);
std::string markdown_profile(const ArmSummary& arm, const MarkdownDetail& detail);
std::string markdown_waits(const ArmSummary& arm, const MarkdownDetail& detail);
std::string markdown_wait_comparison(const Report& report, const Comparison& comparison);
std::string markdown_document_rows(const Report& report);
std::string markdown_limits(const Report& report);
std::string markdown_environment(const Report& report);
std::string markdown_method(const Report& report);

}  // namespace vfsprof::reports
