#pragma once

#include <string>
#include <vector>

#include "reports/analyze/opportunity.h"
#include "reports/analyze/report.h"

namespace vfsprof::reports {

/// What to do first: the impact's lower bound, weighed by complexity. High from 5 % (low
/// complexity), 10 % (medium), 20 % (high) on; medium from half of that on.
Priority priority_of(const Interval& impact, Complexity complexity);

/// What to do next with an arm, each step resting on a figure of the report.
std::vector<std::string> next_steps(const Report& report, const ArmOpportunities& found);

}  // namespace vfsprof::reports
