#include <string>

#include "reports/analyze/wait_opportunities.h"
#include "reports/write/json_parts.h"

namespace vfsprof::reports {
namespace {

using Json = nlohmann::ordered_json;

Json interval(const Interval& value) { return Json::array({value.low, value.high}); }

Json changes_of(const std::vector<NamedValue>& changes) {
  Json result = Json::array();
  for (const NamedValue& change : changes) {
    result.push_back({{"axis", change.name}, {"value", change.value}});
  }
  return result;
}

/// What both kinds begin with.
Json recommendation(const Recommendation& found) {
  return {{"id", found.id},
          {"title", found.title},
          {"priority", to_string(found.priority)},
          {"complexity", std::string(to_string(found.complexity))},
          {"problem", found.problem},
          {"root_cause", found.cause},
          {"remedy", found.remedy},
          {"changes", changes_of(found.changes)},
          {"variant", found.variant.empty() ? Json() : Json(found.variant)}};
}

Json opportunity(const Opportunity& found) {
  Json cells = Json::array(), stacks = Json::array();
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
  Json result = recommendation(found);
  result["evidence"] = {{"samples", found.samples},
                        {"share", found.share},
                        {"share_interval_95", interval(found.share_interval)},
                        {"cost_ns_per_operation", found.cost_ns ? Json(*found.cost_ns) : Json()},
                        {"cells", cells},
                        {"stacks", stacks},
                        {"stacks_share", found.stacks_share}};
  result["impact_interval"] = interval(found.impact);
  result["predicted_ratio_interval"] = {1 - found.impact.high, 1 - found.impact.low};
  result["derivation"] = found.derivation;
  return result;
}

Json sites(const std::vector<WaitSite>& list) {
  Json result = Json::array();
  for (const WaitSite& site : list) {
    result.push_back({{"role", site.role},
                      {"call_site", site.site},
                      {"calls", site.calls},
                      {"in_vain", site.in_vain},
                      {"time_ns", site.time_ns}});
  }
  return result;
}

Json wait_opportunity(const WaitOpportunity& found) {
  Json parts = Json::array();
  for (const WaitPart& part : found.parts) {
    parts.push_back({{"role", part.role},
                     {"part_ns", part.part_ns},
                     {"whole_ns", part.whole_ns},
                     {"share", part.share()}});
  }
  Json result = recommendation(found);
  result["measure"] = to_string(found.measure);
  result["word"] = found.word;
  result["named"] = found.named;
  result["purpose"] = found.named ? Json(to_string(found.purpose)) : Json();
  result["evidence"] = {{"rounds", found.rounds},
                        {"calls", found.calls},
                        {"share", found.share},
                        {"share_interval_95", interval(found.share_interval)},
                        {"ns_per_unit", found.per_unit_ns},
                        {"unit", found.per_operation ? "operation" : "second"},
                        {"parts", parts},
                        {"waiting", sites(found.waiting)},
                        {"waking", sites(found.waking)}};
  result["impact_interval"] = interval(found.impact);
  result["derivation"] = found.derivation;
  return result;
}

Json unlisted_of(const std::vector<UnlistedOpportunity>& list) {
  Json result = Json::array();
  for (const UnlistedOpportunity& each : list) {
    result.push_back(
        {{"id", each.id}, {"title", each.title}, {"impact_interval", interval(each.impact)}});
  }
  return result;
}

Json waits(const WaitsFound& found) {
  Json listed = Json::array();
  for (const WaitOpportunity& each : found.listed) listed.push_back(wait_opportunity(each));
  return {{"missing", found.missing},
          {"listed", listed},
          {"below_threshold", unlisted_of(found.unlisted)}};
}

}  // namespace

nlohmann::ordered_json json_opportunities(const Report& report) {
  Json result = Json::array();
  for (const ArmOpportunities& found : report.opportunities) {
    Json listed = Json::array();
    for (const Opportunity& each : found.listed) listed.push_back(opportunity(each));
    result.push_back(
        {{"arm", report.arms[found.arm].arm.name},
         {"absent", found.absent},
         {"limits", found.limits},
         {"listed", listed},
         {"below_threshold", unlisted_of(found.unlisted)},
         {"combined_impact_interval", found.combined ? interval(*found.combined) : Json()},
         {"waits", waits(found.waits)},
         {"next_steps", found.next_steps}});
  }
  return result;
}

}  // namespace vfsprof::reports
