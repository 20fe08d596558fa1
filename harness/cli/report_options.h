#pragma once

#include <CLI/CLI.hpp>

#include "reports/analyze/report.h"

namespace vfsprof::harness {

/// Declares what every command that makes a report lets its user ask for. `options` must live as
/// long as the app.
void add_report_options(CLI::App& command, reports::ReportOptions& options);

}  // namespace vfsprof::harness
