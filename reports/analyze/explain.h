#pragma once

#include <string>
#include <vector>

#include "reports/analyze/report.h"

namespace vfsprof::reports {

/// What an arm's counters, options and tables say together: paragraphs, each resting on the figures
/// that it states.
std::vector<std::string> explain_arm(const ArmSummary& arm);

/// The same for two arms: what differs, what that can and cannot have changed, and where the
/// difference is.
std::vector<std::string> explain_comparison(const ArmSummary& before, const ArmSummary& after,
                                            const Comparison& comparison);

/// The report in one paragraph.
std::string key_finding(const Report& report);

/// The ledgers of waits in a sentence or none, for the key finding; it begins with a blank.
std::string wait_finding(const WaitTables& waits);
std::string wait_change(const Comparison& comparison);

}  // namespace vfsprof::reports
