#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "reports/write/json_parts.h"
#include "reports/write/json_waits.h"
#include "reports/write/writers.h"

namespace vfsprof::reports {
namespace {

using Json = nlohmann::ordered_json;

/// Raised when a key changes its meaning.
constexpr int kReportSchemaVersion = 1;

template <class T, class Convert>
Json list(const std::vector<T>& values, Convert convert) {
  Json result = Json::array();
  for (const T& value : values) result.push_back(convert(value));
  return result;
}

/// JSON has no infinity: a ratio to or from zero is null.
Json number(double value) { return std::isfinite(value) ? Json(value) : Json(); }

Json interval(const Interval& value) {
  return Json::array({number(value.low), number(value.high)});
}

Json estimate(const Estimate& value) {
  return {{"value", value.value},
          {"interval_95", value.interval ? interval(*value.interval) : Json()}};
}

Json cpu_time(const CpuTime& time) {
  return {{"samples", time.samples},
          {"weight_ns", time.weight_ns},
          {"share", estimate(time.share)},
          {"cost_ns_per_operation", time.has_cost ? estimate(time.cost_ns) : Json()},
          {"printed_share_percent", static_cast<double>(time.printed_share) / 100},
          {"printed_cost_ns_per_operation", time.has_cost ? Json(time.printed_cost_ns) : Json()}};
}

Json symbol(const SymbolShare& value) { return {{"name", value.name}, {"share", value.share}}; }

Json category_row(const CategoryRow& row) {
  return {{"category", row.id},
          {"title", row.title},
          {"group", row.group.empty() ? Json() : Json(row.group)},
          {"time", cpu_time(row.time)},
          {"thin", row.thin},
          {"deciding_frames", list(row.deciding, symbol)},
          {"innermost_frames", list(row.leaves, symbol)},
          {"chains", list(row.chains, symbol)}};
}

Json role_table(const RoleTable& role) {
  const auto counted = [&role](double value) { return role.time.has_cost ? Json(value) : Json(); };
  return {{"role", role.role},
          {"kernel_name", role.kernel_name.empty() ? role.role : role.kernel_name},
          {"note", role.note},
          {"threads", role.threads},
          {"time", cpu_time(role.time)},
          {"scheduled_ns_per_operation", counted(role.scheduled_ns)},
          {"runnable_ns_per_operation", counted(role.runnable_ns)},
          {"switches_per_operation", counted(role.switches)},
          {"rows", list(role.rows, category_row)}};
}

Json profile(const ProfileTables& tables) {
  const auto group = [](const GroupTotal& total) -> Json {
    return {{"group", total.group}, {"time", cpu_time(total.time)}, {"roles", total.roles}};
  };
  return {{"rounds", tables.rounds},
          {"elapsed_ns", tables.elapsed_ns},
          {"operations", tables.operations},
          {"samples", tables.samples},
          {"heaviest_innermost_frame", symbol(tables.heaviest_leaf)},
          {"event", tables.event},
          {"requested_event", tables.requested_event},
          {"frequency_hz", tables.frequency_hz},
          {"kernel_frames", tables.kernel_frames},
          {"share_denominator", tables.kernel_frames ? "all samples" : "scheduler CPU time"},
          {"lost", tables.lost},
          {"throttled", tables.throttled},
          {"whole_stacks", tables.whole_stacks},
          {"cut_short_stacks", tables.cut_short_stacks},
          {"sampled_ns", tables.sampled_ns},
          {"scheduled_ns", tables.scheduled_ns},
          {"classified", tables.classified},
          {"roles", list(tables.roles, role_table)},
          {"groups", list(tables.groups, group)}};
}

Json named_values(const std::vector<NamedValue>& values) {
  Json result = Json::object();
  for (const NamedValue& value : values) result[value.name] = value.value;
  return result;
}

Json role_usage(const RoleUsage& usage) {
  return {{"role", usage.role},
          {"cpu_ns_per_operation", usage.cpu_ns},
          {"runnable_ns_per_operation", usage.runnable_ns},
          {"voluntary_switches_per_operation", usage.voluntary_switches},
          {"involuntary_switches_per_operation", usage.involuntary_switches}};
}

Json counter(const CounterSummary& value) {
  return {{"name", value.name},
          {"unit", value.unit},
          {"total", value.total},
          {"per_operation", value.per_operation}};
}

Json arm(const ArmSummary& summary) {
  // What nobody counted is null, never zero.
  const auto counted = [&summary](double value) {
    return summary.operations > 0 ? Json(value) : Json();
  };
  return {{"name", summary.arm.name},
          {"canonical", summary.arm.canonical},
          {"axes", named_values(summary.arm.axes)},
          {"timing_rounds", summary.timing_rounds},
          {"profiling_rounds", summary.profiling_rounds},
          {"void_rounds", summary.void_rounds},
          {"from_profiling_rounds", summary.from_profiling_rounds},
          {"operations", summary.operations},
          {"elapsed_ns", summary.elapsed_ns},
          {"operations_per_second", counted(summary.operations_per_second)},
          {"cpu_ns_per_operation", counted(summary.cpu_ns)},
          {"client_cpu_ns_per_operation", counted(summary.client_cpu_ns)},
          {"collector_cpu_ns_per_operation", counted(summary.collector_cpu_ns)},
          {"switches_per_operation", counted(summary.switches)},
          {"bytes_copied_per_byte_written",
           summary.copied_per_byte ? Json(*summary.copied_per_byte) : Json()},
          {"operation_kinds", list(summary.kinds, json_operation)},
          {"clients", json_clients(summary)},
          {"roles", summary.operations > 0 ? list(summary.roles, role_usage) : Json::array()},
          {"counters", list(summary.counters, counter)},
          {"observing", json_observing(summary)},
          {"events", json_events(summary)},
          {"roles_per_second", json_roles_per_second(summary)},
          {"profile", summary.profile ? profile(*summary.profile) : Json()},
          {"waits", summary.waits ? waits_json(*summary.waits) : Json()}};
}

Json metric(const MetricComparison& comparison) {
  const auto& mde = comparison.minimum_detectable_effect;
  return {
      {"metric", comparison.id},
      {"title", comparison.title},
      {"unit", comparison.unit},
      {"lower_is_better", comparison.lower_is_better},
      {"decides", comparison.decides},
      {"pairs", comparison.pairs},
      {"before", comparison.before},
      {"after", comparison.after},
      {"ratio", number(comparison.ratio)},
      {"ratio_interval", comparison.interval ? interval(comparison.interval->interval) : Json()},
      {"ratio_confidence", comparison.interval ? Json(comparison.interval->confidence) : Json()},
      {"minimum_detectable_effect", mde ? Json(*mde) : Json()},
      {"verdict", to_string(comparison.verdict)},
      {"note", comparison.note}};
}

Json change(const CategoryChange& value) {
  return {
      {"role", value.role.empty() ? Json() : Json(value.role)},
      {value.role.empty() ? "group" : "category", value.id},
      {"title", value.title},
      {"before", cpu_time(value.before)},
      {"after", cpu_time(value.after)},
      {"share_difference", estimate(value.share_difference)},
      {"cost_difference_ns", value.before.has_cost ? estimate(value.cost_difference_ns) : Json()},
      {"thin", value.thin},
      {"verdict", to_string(value.verdict)}};
}

Json burst(const BurstPair& pair) {
  const auto cell = [](const BurstCell& value) -> Json {
    return {{"role", value.role},
            {"category", value.id},
            {"share_before", value.share_before},
            {"share_after", value.share_after}};
  };
  return {{"burst", pair.burst},
          {"samples_before", pair.samples_before},
          {"samples_after", pair.samples_after},
          {"elapsed_before_ns", pair.elapsed_before_ns},
          {"elapsed_after_ns", pair.elapsed_after_ns},
          {"cells", list(pair.cells, cell)}};
}

Json comparison(const Comparison& value, const Report& report) {
  return {{"before", report.arms[value.before].arm.name},
          {"after", report.arms[value.after].arm.name},
          {"verdict", to_string(value.verdict)},
          {"compared", value.compared},
          {"not_compared", value.uncompared},
          {"void_reasons", value.void_reasons},
          {"metrics", list(value.metrics, metric)},
          {"waits", list(value.waits,
                         [](const WordComparison& row) -> Json {
                           return {{"word", row.word.empty() ? Json() : Json(row.word)},
                                   {"metrics", Json::array({metric(row.waits), metric(row.wakes),
                                                            metric(row.wait_ns)})}};
                         })},
          {"changes_judged", value.changes_judged},
          {"changes", list(value.changes, change)},
          {"bursts", list(value.bursts, burst)},
          {"explanation", value.explanation}};
}

Json floor_metric(const MetricComparison& value) {
  return {{"metric", value.id},
          {"title", value.title},
          {"unit", value.unit},
          {"pairs", value.pairs},
          {"null_handler", value.before},
          {"arm", value.after},
          {"ratio", number(value.ratio)},
          {"ratio_interval", value.interval ? interval(value.interval->interval) : Json()},
          {"ratio_confidence", value.interval ? Json(value.interval->confidence) : Json()},
          {"note", value.note}};
}

Json layers(const LayerReport& value) {
  const auto layer = [](const LayerCost& cost) -> Json {
    return {{"layer", cost.layer},
            {"made_from", cost.made_from},
            {"cpu_ns_per_operation", cost.rounds > 0 ? estimate(cost.cpu_ns) : Json()},
            {"rounds", cost.rounds}};
  };
  return {{"variant", value.variant}, {"layers", list(value.layers, layer)}, {"work", value.work}};
}

Json lockstep(const std::optional<LockstepReport>& value) {
  if (!value) return {};
  return {
      {"rounds", value->rounds}, {"counts", value->counts}, {"differences", value->differences}};
}

Json floors(const Report& report) {
  const auto arm_floor = [&](const ArmFloor& value) -> Json {
    return {{"arm", report.arms[value.arm].arm.name},
            {"null_handler", value.null_handler},
            {"void_rounds", value.void_rounds},
            {"metrics", list(value.metrics, floor_metric)},
            {"cpu_above_ns_per_operation", estimate(value.cpu_above_ns)}};
  };
  const auto machine_floor = [](const MachineFloorSummary& value) -> Json {
    return {{"name", value.name},
            {"title", value.title},
            {"unit", value.unit},
            {"value", value.repeats > 0 ? estimate(value.value) : Json()},
            {"repeats", value.repeats},
            {"conditions", value.conditions},
            {"unavailable", value.unavailable}};
  };
  return {{"absent", report.floors.absent},
          {"arms", list(report.floors.arms, arm_floor)},
          {"machine", list(report.floors.machine, machine_floor)}};
}

Json document_row(const DocumentRow& row) {
  return {{"role", row.role},
          {"title", row.title},
          {"document_percent", row.document_percent},
          {"time", row.absent.empty() ? cpu_time(row.time) : Json()},
          {"absent", row.absent}};
}

Json capability(const Capability& value) {
  constexpr const char* kStates[] = {"available", "degraded", "unavailable"};
  return {{"name", value.name},
          {"state", kStates[static_cast<std::size_t>(value.state)]},
          {"detail", value.detail},
          {"remedy", value.remedy}};
}

Json environment(const Environment& machine) {
  return {{"tool_version", machine.tool_version},
          {"build_type", machine.build_type},
          {"compiler", machine.compiler},
          {"kernel", machine.kernel},
          {"distribution", machine.distribution},
          {"libc", machine.libc},
          {"libfuse", machine.libfuse},
          {"cpu_model", machine.cpu_model},
          {"hypervisor", machine.hypervisor},
          {"cpus", machine.cpus},
          {"memory_bytes", machine.memory_bytes},
          {"user", machine.user},
          {"perf_event_paranoid", machine.perf_event_paranoid},
          {"kptr_restrict", machine.kptr_restrict}};
}

}  // namespace

std::string write_json(const Rendering& rendering) {
  const Report& report = rendering.report;
  const Json document{
      {"report_schema_version", kReportSchemaVersion},
      {"command", report.command},
      {"started", report.started},
      {"environment", environment(report.environment)},
      {"scenario",
       {{"name", report.scenario.name},
        {"summary", report.scenario.summary},
        {"racy", report.scenario.racy}}},
      {"target", report.target},
      {"placement", report.placement},
      {"seed", report.seed},
      {"equivalence_margin", report.equivalence_margin},
      {"partial", report.partial},
      {"key_finding", report.key_finding},
      {"warm_up", json_warm_up(report.warm_up)},
      {"differences", json_differences(report)},
      {"arms", list(report.arms, arm)},
      {"comparisons", list(report.comparisons,
                           [&](const Comparison& value) { return comparison(value, report); })},
      {"floors", floors(report)},
      {"layers", list(report.layers, layers)},
      {"lockstep", lockstep(report.lockstep)},
      {"explanation", report.explanation},
      {"threshold", report.threshold},
      {"opportunities", json_opportunities(report)},
      {"document_arm", report.document_arm},
      {"document_rows", list(report.document_rows, document_row)},
      {"capabilities", list(report.capabilities, capability)},
      {"warnings", report.warnings}};
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace vfsprof::reports
