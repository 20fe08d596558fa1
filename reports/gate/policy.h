#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reports/gate/verdict.h"

namespace vfsprof::reports {

/// A metric that a gate judges, and how much worse it may be.
struct PolicyMetric {
  std::string metric;    ///< of gate/metric_value.h: "cpu_ns_per_operation", "thread_wakes", ...
  std::string scenario;  ///< only in this one; empty: in each
  std::string role;      ///< of these threads only; empty: of all
  std::string category;  ///< of this category of `role` only; empty: of all
  Limit limit;
  bool optional = false;  ///< where it cannot be measured, the others decide
};

/// A scenario that must have been measured.
struct PolicyScenario {
  std::string name;
  double scale = 1;       ///< of its counts of work
  std::string file = {};  ///< where it is loaded from; empty: by its name
};

/// What a stored baseline of another environment is good for.
enum class OtherEnvironment { kRefuse, kExactCounts };

/// Metrics with a verdict: each more costs power.
inline constexpr std::size_t kMostJudged = 8;

/// What a gate demands. Saved as JSON: schema/policy.schema.json.
struct Policy {
  std::string name;
  std::vector<PolicyScenario> scenarios;
  std::vector<PolicyMetric> metrics;                         ///< at most kMostJudged
  std::chrono::nanoseconds budget{std::chrono::minutes(2)};  ///< of all scenarios together
  std::uint32_t looks = 3;
  double confidence = 0.99;  ///< that no metric is called regressed or improved by chance alone
  std::string placement = "packed";
  std::chrono::nanoseconds baseline_max_age{std::chrono::hours(24 * 30)};
  OtherEnvironment other_environment = OtherEnvironment::kRefuse;
};

/// Reads a policy. Errors: FormatError naming the place and what is allowed there.
Policy policy_from_json(std::string_view text, const std::string& origin);

/// "90s", "2m", "12h", "30d"; nothing for any other text, and for zero.
std::optional<std::chrono::nanoseconds> parse_span(std::string_view text);

/// The metrics that hold in a scenario.
std::vector<PolicyMetric> metrics_of(const Policy& policy, std::string_view scenario);

/// How the tests of a scenario share the policy's confidence: metrics, scenarios, the control
/// beside the comparison, looks.
Family family_of(const Policy& policy, std::size_t looks);

}  // namespace vfsprof::reports
