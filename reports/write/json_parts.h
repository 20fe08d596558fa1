#pragma once

#include <nlohmann/json.hpp>

#include "reports/analyze/report.h"

namespace vfsprof::reports {

// Parts of report.json, one function per section.

nlohmann::ordered_json json_observing(const ArmSummary& arm);
nlohmann::ordered_json json_events(const ArmSummary& arm);
nlohmann::ordered_json json_roles_per_second(const ArmSummary& arm);
nlohmann::ordered_json json_operation(const OperationSummary& kind);
nlohmann::ordered_json json_clients(const ArmSummary& arm);
nlohmann::ordered_json json_warm_up(const WarmUp& warm_up);
nlohmann::ordered_json json_differences(const Report& report);
nlohmann::ordered_json json_opportunities(const Report& report);

}  // namespace vfsprof::reports
