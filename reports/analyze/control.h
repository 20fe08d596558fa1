#pragma once

#include <cstddef>

#include "reports/analyze/report.h"

namespace vfsprof::reports {

/// How often a verdict may be looked at while rounds go on, at most; planned beforehand.
inline constexpr std::size_t kLooks = 3;

/// How sure the deciding test of each comparison must be, so that all of a result hold at 95 %
/// together: corrected for the arms, the control among them, and with a control for the looks.
double deciding_confidence(const RunResult& result);

/// Whether every comparison but that with the control has its verdict.
bool has_verdicts(const RunResult& result);

/// Judges a report by its control arm: where that differs from the first arm, no comparison has a
/// verdict. Adds to each what its metrics do by chance, and which cells its change comes from. The
/// control, the last arm, is taken out of the report: it is no answer to anybody's question.
void apply_control(const RunResult& result, Report& report);

}  // namespace vfsprof::reports
