#pragma once

#include <nlohmann/json_fwd.hpp>

#include "reports/analyze/waits.h"

namespace vfsprof::reports {

/// The ledgers of waits in report.json.
nlohmann::ordered_json waits_json(const WaitTables& tables);

}  // namespace vfsprof::reports
