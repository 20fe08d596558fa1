#include <string>

#include "reports/write/json_parts.h"

namespace vfsprof::reports {
namespace {

using Json = nlohmann::ordered_json;

Json interval(const Interval& value) { return Json::array({value.low, value.high}); }

Json opportunity(const Opportunity& found) {
  Json cells = Json::array(), stacks = Json::array(), changes = Json::array();
  for (const EvidenceCell& cell : found.cells) {
    cells.push_back({{"role", cell.role}, {"category", cell.category}, {"share", cell.share}});
  }
  for (const CarryingStack& stack : found.stacks) {
    stacks.push_back({{"role", stack.role},
                      {"category", stack.category},
                      {"frames", stack.frames},
                      {"whole", stack.is_whole},
                      {"share_of_evidence", stack.share}});
  }
  for (const NamedValue& change : found.changes) {
    changes.push_back({{"axis", change.name}, {"value", change.value}});
  }
  return {{"id", found.id},
          {"title", found.title},
          {"priority", to_string(found.priority)},
          {"complexity", std::string(to_string(found.complexity))},
          {"problem", found.problem},
          {"root_cause", found.cause},
          {"remedy", found.remedy},
          {"changes", changes},
          {"variant", found.variant.empty() ? Json() : Json(found.variant)},
          {"evidence",
           {{"samples", found.samples},
            {"share", found.share},
            {"share_interval_95", interval(found.share_interval)},
            {"cost_ns_per_operation", found.cost_ns ? Json(*found.cost_ns) : Json()},
            {"cells", cells},
            {"stacks", stacks},
            {"stacks_share", found.stacks_share}}},
          {"impact_interval", interval(found.impact)},
          {"predicted_ratio_interval", {1 - found.impact.high, 1 - found.impact.low}},
          {"derivation", found.derivation}};
}

}  // namespace

nlohmann::ordered_json json_opportunities(const Report& report) {
  Json result = Json::array();
  for (const ArmOpportunities& found : report.opportunities) {
    Json listed = Json::array(), unlisted = Json::array();
    for (const Opportunity& each : found.listed) listed.push_back(opportunity(each));
    for (const UnlistedOpportunity& each : found.unlisted) {
      unlisted.push_back(
          {{"id", each.id}, {"title", each.title}, {"impact_interval", interval(each.impact)}});
    }
    result.push_back(
        {{"arm", report.arms[found.arm].arm.name},
         {"absent", found.absent},
         {"limits", found.limits},
         {"listed", listed},
         {"below_threshold", unlisted},
         {"combined_impact_interval", found.combined ? interval(*found.combined) : Json()},
         {"next_steps", found.next_steps}});
  }
  return result;
}

}  // namespace vfsprof::reports
