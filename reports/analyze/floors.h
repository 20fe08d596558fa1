#pragma once

#include "reports/analyze/report.h"

namespace vfsprof::reports {

/// Every arm beside its null handler, and the primitives of the machine.
FloorReport report_floors(const RunResult& result);

}  // namespace vfsprof::reports
