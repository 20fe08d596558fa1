#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "reports/analyze/report.h"

namespace vfsprof::reports {

/// A figure of an arm that opportunity rules name: a counter of the daemon, per operation, or one
/// of copies_per_byte, requests_per_operation, bytes_per_write, syncs_per_write, flushed_per_byte
/// and share:CATEGORY (over all threads, 0 to 1). Nothing where nobody measured it.
std::optional<double> fact_of(const ArmSummary& arm, std::string_view metric);

/// The arm's value of an axis or mount option; empty if it has none.
std::string axis_of(const ArmSummary& arm, std::string_view name);

}  // namespace vfsprof::reports
