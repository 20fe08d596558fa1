#include "reports/analyze/events.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "reports/analyze/arm_profile.h"

namespace vfsprof::reports {
namespace {

/// What is summed up of an event.
struct Sums {
  std::string unavailable;
  double count = 0;
  double enabled_ns = 0;
  double running_ns = 0;
  std::map<std::string, double> by_role;
};

EventSummary summarise(const std::string& name, const Sums& sums, double base) {
  EventSummary result{.name = name, .unavailable = sums.unavailable, .roles = {}};
  if (!sums.unavailable.empty() || base <= 0) return result;
  result.count = sums.count / base;
  result.running_share = sums.enabled_ns > 0 ? sums.running_ns / sums.enabled_ns : 1;
  for (const auto& [role, count] : sums.by_role) {
    if (count > 0) result.roles.push_back({role, count / base});
  }
  std::ranges::sort(result.roles, [](const RoleEvents& a, const RoleEvents& b) {
    return std::tie(b.count, a.role) < std::tie(a.count, b.role);
  });
  return result;
}

}  // namespace

double scaled(const ThreadEvents& events) {
  if (events.running_ns == 0) return 0;
  return static_cast<double>(events.count) * static_cast<double>(events.enabled_ns) /
         static_cast<double>(events.running_ns);
}

std::optional<double> event_count(const Round& round, const std::string& name) {
  for (const CountedEvent& event : round.events) {
    if (event.name != name || !event.unavailable.empty()) continue;
    double sum = 0;
    for (const ThreadEvents& thread : event.threads) sum += scaled(thread);
    return sum;
  }
  return std::nullopt;
}

std::vector<EventSummary> summarise_events(const std::vector<const Round*>& rounds) {
  std::vector<std::string> names;
  std::map<std::string, Sums> all;
  double base = 0;
  bool per_operation = true;
  for (const Round* round : rounds) {
    per_operation = round->counts_operations;
    base += per_operation ? static_cast<double>(operations_of(*round))
                          : static_cast<double>(round->elapsed_ns) / 1e9;
    for (const CountedEvent& event : round->events) {
      if (!all.contains(event.name)) names.push_back(event.name);
      Sums& sums = all[event.name];
      if (!event.unavailable.empty()) sums.unavailable = event.unavailable;
      for (const ThreadEvents& thread : event.threads) {
        sums.count += scaled(thread);
        sums.enabled_ns += static_cast<double>(thread.enabled_ns);
        sums.running_ns += static_cast<double>(thread.running_ns);
        sums.by_role[round->threads[thread.thread].role] += scaled(thread);
      }
    }
  }
  std::vector<EventSummary> result;
  for (const std::string& name : names) {
    result.push_back(summarise(name, all[name], base));
    result.back().per_operation = per_operation;
  }
  return result;
}

}  // namespace vfsprof::reports
