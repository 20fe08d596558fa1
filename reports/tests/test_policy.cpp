#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "reports/gate/policy.h"
#include "reports/model/format_error.h"

namespace vfsprof::reports {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;

Json minimal() {
  return {{"schema_version", 1},
          {"name", "quick"},
          {"scenarios", {{{"name", "smoke"}}}},
          {"metrics", {{{"metric", "thread_wakes"}, {"limit", {{"absolute", 0}}}}}}};
}

Policy parsed(const Json& json) { return policy_from_json(json.dump(), "policy.json"); }

/// The message with which it is refused, or an empty text.
std::string refused(const Json& json) {
  try {
    parsed(json);
    return "";
  } catch (const FormatError& error) {
    return error.what();
  }
}

TEST(Policy, HasDefaults) {
  const Policy policy = parsed(minimal());
  EXPECT_EQ(policy.name, "quick");
  EXPECT_EQ(policy.budget, 2min);
  EXPECT_EQ(policy.looks, 3U);
  EXPECT_EQ(policy.confidence, 0.99);
  EXPECT_EQ(policy.placement, "packed");
  EXPECT_EQ(policy.baseline_max_age, 24h * 30);
  EXPECT_EQ(policy.other_environment, OtherEnvironment::kRefuse);
  ASSERT_EQ(policy.scenarios.size(), 1U);
  EXPECT_EQ(policy.scenarios[0].scale, 1);
  ASSERT_EQ(policy.metrics.size(), 1U);
  EXPECT_FALSE(policy.metrics[0].optional);
  EXPECT_EQ(policy.metrics[0].limit.relative, 0);
}

TEST(Policy, ReadsEveryField) {
  Json json = minimal();
  json["budget"] = "90s";
  json["looks"] = 2;
  json["confidence"] = 0.95;
  json["placement"] = "free";
  json["baseline_max_age"] = "12h";
  json["other_environment"] = "exact-counts";
  json["scenarios"] = {{{"name", "smoke"}, {"scale", 0.25}}, {{"name", "varmail"}}};
  json["metrics"].push_back({{"metric", "cpu_ns_per_operation"},
                             {"scenario", "varmail"},
                             {"role", "mount_vfs"},
                             {"category", "memcpy"},
                             {"limit", {{"relative", 0.05}, {"absolute", 20}}},
                             {"optional", true}});
  const Policy policy = parsed(json);
  EXPECT_EQ(policy.budget, 90s);
  EXPECT_EQ(policy.looks, 2U);
  EXPECT_EQ(policy.confidence, 0.95);
  EXPECT_EQ(policy.placement, "free");
  EXPECT_EQ(policy.baseline_max_age, 12h);
  EXPECT_EQ(policy.other_environment, OtherEnvironment::kExactCounts);
  EXPECT_EQ(policy.scenarios[0].scale, 0.25);
  const PolicyMetric& metric = policy.metrics[1];
  EXPECT_EQ(metric.metric, "cpu_ns_per_operation");
  EXPECT_EQ(metric.role, "mount_vfs");
  EXPECT_EQ(metric.category, "memcpy");
  EXPECT_EQ(metric.limit.relative, 0.05);
  EXPECT_EQ(metric.limit.absolute, 20);
  EXPECT_TRUE(metric.optional);
  EXPECT_EQ(metrics_of(policy, "smoke").size(), 1U);
  EXPECT_EQ(metrics_of(policy, "varmail").size(), 2U);
  const Family family = family_of(policy, 2);
  EXPECT_EQ(family.confidence, 0.95);
  EXPECT_EQ(family.metrics, 3U);
  EXPECT_EQ(family.comparisons, 2U);
  EXPECT_EQ(family.looks, 2U);
}

TEST(Policy, RefusesWhatItDoesNotUnderstandAndSaysWhere) {
  struct Row {
    const char* patch;  // JSON merge patch (RFC 7386)
    const char* where;
  };
  for (const Row& row : {
           Row{R"({"schema_version": 2})", "/schema_version"},
           Row{R"({"schema_version": null})", "schema_version"},
           Row{R"({"name": null})", "name"},
           Row{R"({"name": ""})", "/name"},
           Row{R"({"surprise": 1})", "surprise"},
           Row{R"({"scenarios": []})", "/scenarios"},
           Row{R"({"scenarios": [{"name": "smoke"}, {"name": "smoke"}]})", "/scenarios/1"},
           Row{R"({"scenarios": [{"name": "smoke", "scale": 0}]})", "/scenarios/0/scale"},
           Row{R"({"scenarios": [{"name": "smoke", "scale": 0.0009}]})", "/scenarios/0/scale"},
           Row{R"({"scenarios": [{"name": "smoke", "scale": 1001}]})", "/scenarios/0/scale"},
           Row{R"({"scenarios": [{"name": "smoke", "more": 1}]})", "more"},
           Row{R"({"metrics": []})", "/metrics"},
           Row{R"({"metrics": [{"metric": "a"}]})", "limit"},
           Row{R"({"metrics": [{"metric": "a", "limit": {}}]})", "/metrics/0/limit"},
           Row{R"({"metrics": [{"metric": "a", "limit": {"relativ": 1}}]})", "relativ"},
           Row{R"({"metrics": [{"metric": "a", "limit": {"relative": -0.1}}]})",
               "/metrics/0/limit/relative"},
           Row{R"({"metrics": [{"metric": "a", "limit": {"relative": 11}}]})",
               "/metrics/0/limit/relative"},
           Row{R"({"metrics": [{"metric": "a", "limit": {"absolute": -1}}]})",
               "/metrics/0/limit/absolute"},
           Row{R"({"metrics": [{"metric": "a", "limit": {"absolute": 1}, "scenario": "x"}]})",
               "/metrics/0/scenario"},
           Row{R"({"metrics": [{"metric": "a", "limit": {"absolute": 1}, "category": "x"}]})",
               "/metrics/0/metric"},
           Row{R"({"metrics": [{"metric": "a", "limit": {"absolute": 1}, "rolle": "x"}]})",
               "rolle"},
           Row{R"({"scenarios": [{"name": "smoke"}, {"name": "b"}],
                   "metrics": [{"metric": "a", "limit": {"absolute": 1}, "scenario": "b"}]})",
               "/scenarios/0"},
           Row{R"({"budget": "2 minutes"})", "/budget"},
           Row{R"({"budget": 120})", "/budget"},
           Row{R"({"baseline_max_age": "0d"})", "/baseline_max_age"},
           Row{R"({"looks": 0})", "/looks"},
           Row{R"({"looks": 11})", "/looks"},
           Row{R"({"confidence": 0.79})", "/confidence"},
           Row{R"({"confidence": 1})", "/confidence"},
           Row{R"({"placement": "anywhere"})", "/placement"},
           Row{R"({"placement": ""})", "/placement"},
           Row{R"({"other_environment": "ignore"})", "/other_environment"},
       }) {
    Json json = minimal();
    json.merge_patch(Json::parse(row.patch));
    const std::string message = refused(json);
    EXPECT_NE(message.find(row.where), std::string::npos) << row.patch << ": " << message;
    EXPECT_NE(message.find("policy.json"), std::string::npos) << message;
  }
}

TEST(Policy, TakesTheEndsOfItsRanges) {
  for (const char* const patch :
       {R"({"looks": 1})", R"({"looks": 10})", R"({"confidence": 0.8})",
        R"({"confidence": 0.9999})", R"({"scenarios": [{"name": "smoke", "scale": 0.001}]})",
        R"({"scenarios": [{"name": "smoke", "scale": 1000}]})",
        R"({"metrics": [{"metric": "a", "limit": {"relative": 10}}]})", R"({"placement": "split"})",
        R"({"metrics": [{"metric": "a", "limit": {"absolute": 1e15}}]})"}) {
    Json json = minimal();
    json.merge_patch(Json::parse(patch));
    EXPECT_EQ(refused(json), "") << patch;
  }
}

TEST(Policy, JudgesAtMostEightMetricsAndFiftyScenarios) {
  Json json = minimal();
  for (int i = 1; i < 8; ++i) json["metrics"].push_back(json["metrics"][0]);
  EXPECT_EQ(refused(json), "");
  json["metrics"].push_back(json["metrics"][0]);
  EXPECT_NE(refused(json).find("from 1 to 8 metrics"), std::string::npos) << refused(json);
  json = minimal();
  for (int i = 1; i < 50; ++i) json["scenarios"].push_back({{"name", std::to_string(i)}});
  EXPECT_EQ(refused(json), "");
  json["scenarios"].push_back({{"name", "one more"}});
  EXPECT_NE(refused(json).find("from 1 to 50 scenarios"), std::string::npos);
}

TEST(Policy, RefusesACutOffFile) {
  const std::string text = minimal().dump();
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_THROW(policy_from_json(text.substr(0, length), "policy.json"), FormatError) << length;
  }
}

TEST(Span, HasAUnitAndIsNotZero) {
  EXPECT_EQ(parse_span("1s"), 1s);
  EXPECT_EQ(parse_span("90s"), 90s);
  EXPECT_EQ(parse_span("2m"), 2min);
  EXPECT_EQ(parse_span("12h"), 12h);
  EXPECT_EQ(parse_span("30d"), 24h * 30);
  EXPECT_EQ(parse_span("366d"), 24h * 366);
  for (const char* const text :
       {"", "s", "0s", "-1s", "1", "1.5m", "1 m", "2min", "m2", "367d", "99999999999999999999s"}) {
    EXPECT_FALSE(parse_span(text)) << text;
  }
  EXPECT_FALSE(parse_span(std::string_view("1\0", 2)));
}

}  // namespace
}  // namespace vfsprof::reports
