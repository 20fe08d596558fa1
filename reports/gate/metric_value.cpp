#include "reports/gate/metric_value.h"

#include <fmt/format.h>

#include <algorithm>

#include "reports/analyze/arm_profile.h"
#include "reports/analyze/arm_summary.h"
#include "reports/analyze/compare.h"
#include "reports/analyze/events.h"

namespace vfsprof::reports {
namespace {

constexpr std::string_view kEventPrefix = "event:";
constexpr std::string_view kCpu = "cpu_ns_per_operation";
constexpr std::string_view kSwitches = "context_switches_per_operation";

std::optional<double> per_operation(double amount, const Round& round) {
  const std::uint64_t operations = operations_of(round);
  if (operations == 0) return std::nullopt;
  return amount / static_cast<double>(operations);
}

bool has_counter(const RunResult& result, const std::string& name) {
  return std::ranges::any_of(
      result.rounds, [&name](const Round& round) { return counter_of(round, name).has_value(); });
}

SelectedMetric event_metric(const std::string& name) {
  return {.title = name + ", counted",
          .unit = "per operation",
          .kind = RoundKind::kCounting,
          .value = [name](const Round& round) -> std::optional<double> {
            const auto count = event_count(round, name);
            if (!count) return std::nullopt;
            return per_operation(*count, round);
          }};
}

SelectedMetric counter_metric(const std::string& name) {
  return {.title = name,
          .unit = "per operation",
          .is_count = true,
          .value = [name](const Round& round) -> std::optional<double> {
            const auto count = counter_of(round, name);
            if (!count) return std::nullopt;
            return per_operation(static_cast<double>(*count), round);
          }};
}

/// Of all threads of a role together; nothing where the round has none.
std::optional<double> sum_of_role(const Round& round, const std::string& role, bool switches) {
  std::uint64_t sum = 0;
  bool found = false;
  for (const Thread& thread : round.threads) {
    if (thread.role != role) continue;
    found = true;
    sum += switches ? thread.voluntary_switches + thread.involuntary_switches : thread.cpu_ns;
  }
  if (!found) return std::nullopt;
  return per_operation(static_cast<double>(sum), round);
}

std::optional<SelectedMetric> role_metric(const Selector& selector) {
  const bool switches = selector.metric == kSwitches;
  if (!switches && selector.metric != kCpu) return std::nullopt;
  return SelectedMetric{
      .title = fmt::format("{} of {}", switches ? "context switches" : "CPU time", selector.role),
      .unit = switches ? "per operation" : "ns per operation",
      .value = [role = selector.role, switches](const Round& round) {
        return sum_of_role(round, role, switches);
      }};
}

/// A cell that no sample fell into costs nothing; a round without samples says nothing.
std::optional<double> cell_cost(const Round& round, const Selector& selector,
                                const RuleSet& rules) {
  if (!round.profile || round.profile->samples.empty()) return std::nullopt;
  const ArmProfile profile = classify_rounds({&round}, rules);
  std::uint64_t weight_ns = 0;
  for (const Cell& cell : profile.cells) {
    if (!selector.role.empty() && cell.role != selector.role) continue;
    if (category_of(rules, cell.category).id == selector.category) weight_ns += cell.weight_ns;
  }
  return per_operation(static_cast<double>(weight_ns), round);
}

bool has_category(const RuleSet& rules, const std::string& id) {
  return std::ranges::any_of(rules.categories,
                             [&id](const Category& category) { return category.id == id; });
}

std::optional<SelectedMetric> category_metric(const Selector& selector, const RuleSet& rules) {
  if (selector.metric != kCpu || !has_category(rules, selector.category)) return std::nullopt;
  return SelectedMetric{.title = fmt::format("CPU time of {} in {}", selector.category,
                                             selector.role.empty() ? "all threads" : selector.role),
                        .unit = "ns per operation",
                        .kind = RoundKind::kProfiling,
                        .value = [selector, &rules](const Round& round) {
                          return cell_cost(round, selector, rules);
                        }};
}

}  // namespace

std::optional<SelectedMetric> select_metric(const RunResult& result, const Selector& selector,
                                            const RuleSet& rules) {
  if (!selector.category.empty()) return category_metric(selector, rules);
  if (!selector.role.empty()) return role_metric(selector);
  if (selector.metric.starts_with(kEventPrefix)) {
    return event_metric(selector.metric.substr(kEventPrefix.size()));
  }
  for (Metric& metric : metrics(main_kind(result))) {
    if (metric.id != selector.metric) continue;
    return SelectedMetric{.title = std::move(metric.title),
                          .unit = std::move(metric.unit),
                          .lower_is_better = metric.lower_is_better,
                          .is_count = has_counter(result, selector.metric),
                          .value = std::move(metric.value)};
  }
  if (has_counter(result, selector.metric)) return counter_metric(selector.metric);
  return std::nullopt;
}

}  // namespace vfsprof::reports
