#pragma once

#include <nlohmann/json.hpp>

#include "reports/analyze/report.h"

namespace vfsprof::reports {

// The parts of report.json (write/json.cpp).

nlohmann::ordered_json json_opportunities(const Report& report);

}  // namespace vfsprof::reports
