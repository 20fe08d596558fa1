#include <nlohmann/json.hpp>

#include "reports/write/json_parts.h"

namespace vfsprof::reports {
namespace {

using Json = nlohmann::ordered_json;

Json percentiles_json(const LatencySummary& times) {
  Json list = Json::array();
  for (const Percentile& each : times.percentiles) {
    const auto& interval = each.interval;
    list.push_back(
        {{"name", each.name},
         {"quantile", each.quantile},
         {"ns", each.unavailable.empty() ? Json(each.ns) : Json()},
         {"interval_ns",
          interval ? Json::array({interval->interval.low, interval->interval.high}) : Json()},
         {"confidence", interval ? Json(interval->confidence) : Json()},
         {"unavailable", each.unavailable}});
  }
  return list;
}

Json steady_json(const SteadyState& steady) {
  const bool stable = steady.stable_from > 0;
  return {{"windows", kSteadyWindows},
          {"band", kSteadyBand},
          {"stable", steady.unavailable.empty() ? Json(stable) : Json()},
          {"stable_from", stable ? Json(steady.stable_from) : Json()},
          {"stable_after_ns", stable ? Json(steady.stable_after_ns) : Json()},
          {"unavailable", steady.unavailable}};
}

Json punctuality_json(const Punctuality& kept) {
  return {{"operations", kept.operations},   {"interval_ns", kept.interval_ns},
          {"late_p50_ns", kept.late_p50_ns}, {"late_p99_ns", kept.late_p99_ns},
          {"median_error", kept.error},      {"drift", kept.drift}};
}

}  // namespace

Json json_operation(const OperationSummary& kind) {
  Json result{{"kind", kind.kind},
              {"count", kind.count},
              {"errors", kind.errors},
              {"per_second", kind.per_second},
              {"bytes_per_second", kind.bytes_per_second},
              {"mean_ns", kind.service.mean_ns}};
  constexpr const char* kNames[] = {"p50_ns", "p90_ns", "p99_ns", "p999_ns", "p9999_ns"};
  for (std::size_t i = 0; i < kind.service.percentiles.size(); ++i) {
    const Percentile& each = kind.service.percentiles[i];
    result[kNames[i]] = each.unavailable.empty() ? Json(each.ns) : Json();
  }
  result["max_ns"] = kind.service.max_ns;
  result["percentiles"] = percentiles_json(kind.service);
  result["response"] = Json();
  if (kind.response) {
    result["response"] = {{"count", kind.response->count},
                          {"mean_ns", kind.response->mean_ns},
                          {"max_ns", kind.response->max_ns},
                          {"percentiles", percentiles_json(*kind.response)}};
  }
  return result;
}

Json json_clients(const ArmSummary& arm) {
  const ClientsSummary& clients = arm.clients;
  if (clients.clients == 0) return {};
  Json jobs = Json::array();
  for (const JobFairness& job : clients.jobs) {
    jobs.push_back({{"job", job.job},
                    {"clients", job.clients},
                    {"fairness", job.index},
                    {"slowest_per_second", job.slowest_per_second},
                    {"fastest_per_second", job.fastest_per_second}});
  }
  const bool sliced = clients.slices > 0;
  return {{"clients", clients.clients},
          {"generator_ns_per_operation", clients.generator_ns},
          {"generator_share", clients.generator_share},
          {"calibration_operations", clients.calibration_operations},
          {"jobs", std::move(jobs)},
          {"slices", clients.slices},
          {"slice_ns", clients.slice_ns},
          {"per_second_5_percent", sliced ? Json(clients.low_per_second) : Json()},
          {"per_second_median", sliced ? Json(clients.median_per_second) : Json()},
          {"per_second_95_percent", sliced ? Json(clients.high_per_second) : Json()},
          {"steady", steady_json(clients.steady)},
          {"punctuality", clients.punctuality ? punctuality_json(*clients.punctuality) : Json()}};
}

Json json_warm_up(const WarmUp& warm_up) {
  if (warm_up.criterion.empty()) return {};
  Json rounds = Json::array();
  for (const WarmUpRound& round : warm_up.rounds) {
    rounds.push_back({{"cpu_ns_per_operation", round.ns_per_operation},
                      {"operations_per_second", round.operations_per_second}});
  }
  return {{"criterion", warm_up.criterion},
          {"rounds", std::move(rounds)},
          {"stable", warm_up.stable_from > 0},
          {"stable_from", warm_up.stable_from > 0 ? Json(warm_up.stable_from) : Json()}};
}

Json json_differences(const Report& report) {
  Json list = Json::array();
  for (const FirstDifference& each : report.differences) {
    const bool known = each.fact == "results" && each.operation > 0;
    list.push_back({{"before", report.arms[each.before].arm.name},
                    {"after", report.arms[each.after].arm.name},
                    {"block", each.block},
                    {"fact", each.fact},
                    {"client", known ? Json(each.client) : Json()},
                    {"operation", known ? Json(each.operation) : Json()},
                    {"place", each.place},
                    {"before_value", each.before_value},
                    {"after_value", each.after_value}});
  }
  return list;
}

}  // namespace vfsprof::reports
