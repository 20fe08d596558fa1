#include "reports/gate/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "reports/model/json_reader.h"

namespace vfsprof::reports {
namespace {

constexpr int kPolicyVersion = 1;
constexpr std::size_t kComparisons = 2;  // the candidate and the control, each with the baseline
constexpr std::size_t kMostScenarios = 50;

double number_in(const JsonReader& in, double low, double high) {
  const double value = in.number();
  if (!(value >= low && value <= high)) in.fail(fmt::format("a number from {} to {}", low, high));
  return value;
}

std::string name_in(const JsonReader& in) {
  std::string text = in.string();
  if (text.empty()) in.fail("a name");
  return text;
}

void read_text(const JsonReader& in, std::string_view key, std::string& field) {
  if (const auto found = in.find(key)) field = name_in(*found);
}

void read_span(const JsonReader& in, std::string_view key, std::chrono::nanoseconds& field) {
  const auto found = in.find(key);
  if (!found) return;
  const auto span = parse_span(found->string());
  if (!span) found->fail("a span of time such as 90s, 2m, 12h or 30d");
  field = *span;
}

Limit read_limit(const JsonReader& in) {
  in.allow_only({"relative", "absolute"});
  Limit limit;
  const auto relative = in.find("relative"), absolute = in.find("absolute");
  if (!relative && !absolute) in.fail("relative, absolute or both");
  if (relative) limit.relative = number_in(*relative, 0, 10);
  if (absolute) limit.absolute = number_in(*absolute, 0, 1e15);
  return limit;
}

PolicyMetric read_metric(const JsonReader& in) {
  in.allow_only({"metric", "scenario", "role", "category", "limit", "optional"});
  PolicyMetric metric;
  metric.metric = name_in(in.member("metric"));
  read_text(in, "scenario", metric.scenario);
  read_text(in, "role", metric.role);
  read_text(in, "category", metric.category);
  if (!metric.category.empty() && metric.metric != "cpu_ns_per_operation") {
    in.member("metric").fail("cpu_ns_per_operation, the only metric that categories have");
  }
  metric.limit = read_limit(in.member("limit"));
  if (const auto optional = in.find("optional")) metric.optional = optional->boolean();
  return metric;
}

PolicyScenario read_scenario(const JsonReader& in) {
  in.allow_only({"name", "scale"});
  PolicyScenario scenario{.name = name_in(in.member("name"))};
  if (const auto scale = in.find("scale")) scenario.scale = number_in(*scale, 0.001, 1000);
  return scenario;
}

void check_names(const Policy& policy, const JsonReader& in) {
  for (std::size_t i = 0; i < policy.metrics.size(); ++i) {
    const std::string& name = policy.metrics[i].scenario;
    const bool known = name.empty() || std::ranges::any_of(policy.scenarios, [&](const auto& each) {
                         return each.name == name;
                       });
    if (!known) in.member("metrics").elements()[i].member("scenario").fail("one of `scenarios`");
  }
  for (std::size_t i = 0; i < policy.scenarios.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (policy.scenarios[i].name == policy.scenarios[j].name) {
        in.member("scenarios").elements()[i].fail("each scenario once");
      }
    }
    if (metrics_of(policy, policy.scenarios[i].name).empty()) {
      in.member("scenarios").elements()[i].fail("a scenario that some metric is judged in");
    }
  }
}

void read_choices(const JsonReader& in, Policy& policy) {
  if (const auto looks = in.find("looks")) {
    policy.looks = static_cast<std::uint32_t>(looks->integer(1, 10));
  }
  if (const auto confidence = in.find("confidence")) {
    policy.confidence = number_in(*confidence, 0.8, 0.9999);
  }
  if (const auto placement = in.find("placement")) {
    policy.placement = placement->string();
    constexpr std::array<std::string_view, 3> kPlacements{"packed", "split", "free"};
    if (std::ranges::find(kPlacements, policy.placement) == kPlacements.end()) {
      placement->fail("packed, split or free");
    }
  }
  if (const auto other = in.find("other_environment")) {
    const std::string text = other->string();
    if (text != "refuse" && text != "exact-counts") other->fail("refuse or exact-counts");
    policy.other_environment =
        text == "refuse" ? OtherEnvironment::kRefuse : OtherEnvironment::kExactCounts;
  }
}

}  // namespace

std::optional<std::chrono::nanoseconds> parse_span(std::string_view text) {
  constexpr std::array<std::pair<char, std::int64_t>, 4> kUnits{
      {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}}};
  constexpr std::int64_t kMostSeconds = 366 * 86400;
  if (text.size() < 2) return std::nullopt;
  const auto unit = std::ranges::find(kUnits, text.back(), [](const auto& u) { return u.first; });
  std::int64_t count = 0;
  const char* const end = text.data() + text.size() - 1;
  const auto parsed = std::from_chars(text.data(), end, count);
  if (unit == kUnits.end() || parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  if (count < 1 || count > kMostSeconds / unit->second) return std::nullopt;
  return std::chrono::seconds(count * unit->second);
}

Policy policy_from_json(std::string_view text, const std::string& origin) {
  const JsonDocument document = parse_json(text, origin);
  const JsonReader in(document, origin);
  in.allow_only({"schema_version", "name", "scenarios", "metrics", "budget", "looks", "confidence",
                 "placement", "baseline_max_age", "other_environment"});
  if (in.member("schema_version").integer(1, INT32_MAX) != kPolicyVersion) {
    in.member("schema_version").fail("1, the only version that this vfsprof knows");
  }
  Policy policy;
  policy.name = name_in(in.member("name"));
  const JsonReader scenarios = in.member("scenarios"), metrics = in.member("metrics");
  for (const JsonReader& element : scenarios.elements()) {
    policy.scenarios.push_back(read_scenario(element));
  }
  for (const JsonReader& element : metrics.elements()) {
    policy.metrics.push_back(read_metric(element));
  }
  if (policy.scenarios.empty() || policy.scenarios.size() > kMostScenarios) {
    scenarios.fail(fmt::format("from 1 to {} scenarios", kMostScenarios));
  }
  if (policy.metrics.empty() || policy.metrics.size() > kMostJudged) {
    metrics.fail(fmt::format("from 1 to {} metrics; others appear as exploratory by themselves",
                             kMostJudged));
  }
  read_span(in, "budget", policy.budget);
  read_span(in, "baseline_max_age", policy.baseline_max_age);
  read_choices(in, policy);
  check_names(policy, in);
  return policy;
}

std::vector<PolicyMetric> metrics_of(const Policy& policy, std::string_view scenario) {
  std::vector<PolicyMetric> result;
  for (const PolicyMetric& metric : policy.metrics) {
    if (metric.scenario.empty() || metric.scenario == scenario) result.push_back(metric);
  }
  return result;
}

Family family_of(const Policy& policy, std::size_t looks) {
  std::size_t metrics = 0;
  for (const PolicyScenario& scenario : policy.scenarios) {
    metrics += metrics_of(policy, scenario.name).size();
  }
  return {.confidence = policy.confidence,
          .metrics = metrics,
          .comparisons = kComparisons,
          .looks = looks};
}

}  // namespace vfsprof::reports
