#include <cmath>
#include <string_view>

#include "reports/write/json_parts.h"

namespace vfsprof::reports {
namespace {

using Json = nlohmann::ordered_json;

std::string_view base(bool per_operation) { return per_operation ? "operation" : "second"; }

}  // namespace

Json json_observing(const ArmSummary& arm) {
  Json result = Json::array();
  for (const ObserverCost& cost : arm.observing) {
    const auto paired = [&cost](double value) { return cost.pairs > 0 ? Json(value) : Json(); };
    Json interval;
    if (cost.interval) {
      interval = Json::array({cost.interval->interval.low, cost.interval->interval.high});
    }
    result.push_back(
        {{"rounds", to_string(cost.kind)},
         {"per", base(cost.per_operation)},
         {"pairs", cost.pairs},
         {"cpu_ns_without", paired(cost.off_ns)},
         {"cpu_ns_with", paired(cost.on_ns)},
         {"ratio", paired(cost.ratio)},
         {"ratio_interval", interval},
         {"ratio_confidence", cost.interval ? Json(cost.interval->confidence) : Json()},
         {"pairs_missing", cost.pairs_missing},
         {"collector_cpu_ns", cost.collector_ns}});
  }
  return result;
}

Json json_events(const ArmSummary& arm) {
  Json result = Json::array();
  for (const EventSummary& event : arm.events) {
    const bool counted = event.unavailable.empty();
    Json roles = Json::array();
    for (const RoleEvents& role : event.roles) {
      roles.push_back({{"role", role.role}, {"count", role.count}});
    }
    result.push_back({{"name", event.name},
                      {"unavailable", event.unavailable},
                      {"per", base(event.per_operation)},
                      {"count", counted ? Json(event.count) : Json()},
                      {"running_share", counted ? Json(event.running_share) : Json()},
                      {"roles", std::move(roles)}});
  }
  return result;
}

Json json_roles_per_second(const ArmSummary& arm) {
  Json result = Json::array();
  for (const RoleUsage& usage : arm.per_second) {
    result.push_back({{"role", usage.role},
                      {"cpu_ns", usage.cpu_ns},
                      {"runnable_ns", usage.runnable_ns},
                      {"voluntary_switches", usage.voluntary_switches},
                      {"involuntary_switches", usage.involuntary_switches}});
  }
  return result;
}

}  // namespace vfsprof::reports
