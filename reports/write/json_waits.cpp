#include "reports/write/json_waits.h"

#include <nlohmann/json.hpp>
#include <vector>

namespace vfsprof::reports {
namespace {

using Json = nlohmann::ordered_json;

template <class T, class Convert>
Json list(const std::vector<T>& values, Convert convert) {
  Json result = Json::array();
  for (const T& value : values) result.push_back(convert(value));
  return result;
}

Json times(const WaitTimes& value) {
  return {{"count", value.count()},
          {"total_ns", value.sum_ns()},
          {"mean_ns", value.mean_ns()},
          {"p50_ns", value.quantile_ns(0.5)},
          {"p99_ns", value.quantile_ns(0.99)}};
}

Json totals(const FutexTotals& value) {
  return {{"calls", value.calls},
          {"cpu_ns", value.cpu_ns},
          {"waits", value.waits},
          {"woken", value.woken},
          {"again", value.again},
          {"timed_out", value.timed_out},
          {"interrupted", value.interrupted},
          {"failed", value.failed},
          {"wait", times(value.wait)},
          {"wakes", value.wakes},
          {"threads_woken", value.threads_woken},
          {"threads_requeued", value.threads_requeued},
          {"useless", value.useless}};
}

Json futex_row(const FutexRow& row) {
  return {{"role", row.role},
          {"call_site", row.site},
          {"word", row.word},
          {"purpose", to_string(row.purpose)},
          {"operations", row.operations},
          {"totals", totals(row.totals)}};
}

Json word_row(const WordRow& row) {
  return {{"word", row.word},
          {"purpose", to_string(row.purpose)},
          {"named", row.named},
          {"totals", totals(row.totals)}};
}

Json wake_row(const WakeRow& row) {
  return {{"waker", row.waker},
          {"wakee", row.wakee},
          {"word", row.word},
          {"purpose", to_string(row.purpose)},
          {"count", row.count},
          {"wake_to_run_p50_ns", row.wake_to_run.quantile_ns(0.5)},
          {"wake_to_run_p99_ns", row.wake_to_run.quantile_ns(0.99)}};
}

Json futexes(const FutexTables& tables) {
  const auto purpose = [](const PurposeRow& row) -> Json {
    return {{"purpose", to_string(row.purpose)}, {"totals", totals(row.totals)}};
  };
  return {{"source", tables.source},
          {"call_sites", tables.call_sites},
          {"results", tables.results},
          {"lost", tables.lost},
          {"named_wait_share", tables.named_wait_share},
          {"totals", totals(tables.totals)},
          {"rows", list(tables.rows, futex_row)},
          {"words", list(tables.words, word_row)},
          {"matrix", list(tables.matrix, wake_row)},
          {"purposes", list(tables.purposes, purpose)}};
}

Json wall_clock(const WallClockTables& tables) {
  const auto role = [](const RoleTime& value) -> Json {
    Json blocked = Json::object();
    for (const auto& [reason, ns] : value.blocked_ns) blocked[reason] = ns;
    return {{"role", value.role},
            {"threads", value.threads},
            {"elapsed_ns", value.elapsed_ns},
            {"on_cpu_ns", value.on_cpu_ns},
            {"runnable_ns", value.runnable_ns},
            {"blocked_ns", std::move(blocked)},
            {"accounted_ns", value.accounted_ns()},
            {"worst_thread_gap", value.worst_gap},
            {"preemptions", value.preemptions}};
  };
  const auto blocked = [](const BlockedRow& row) -> Json {
    return {{"role", row.role},
            {"reason", row.reason},
            {"word", row.word},
            {"stack", row.stack},
            {"waker", row.waker},
            {"runnable_ns", row.runnable_ns},
            {"blocked", times(row.blocked)}};
  };
  return {{"source", tables.source},
          {"lost", tables.lost},
          {"roles", list(tables.roles, role)},
          {"blocked", list(tables.rows, blocked)}};
}

Json fuse_row(const FuseRow& row) {
  const auto known = [](const std::optional<WaitTimes>& value) {
    return value ? times(*value) : Json();
  };
  return {{"operation", row.operation}, {"count", row.count},          {"errors", row.errors},
          {"queue", known(row.queue)},  {"daemon", known(row.daemon)}, {"reply", known(row.reply)}};
}

}  // namespace

Json waits_json(const WaitTables& tables) {
  return {{"rounds", tables.rounds},
          {"elapsed_ns", tables.elapsed_ns},
          {"operations", tables.operations},
          {"futexes", tables.futexes.source.empty() ? Json() : futexes(tables.futexes)},
          {"wall_clock", tables.wall_clock.source.empty() ? Json() : wall_clock(tables.wall_clock)},
          {"fuse_source", tables.fuse_source},
          {"fuse", list(tables.fuse, fuse_row)}};
}

}  // namespace vfsprof::reports
