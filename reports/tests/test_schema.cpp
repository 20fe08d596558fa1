#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "reports/model/json.h"
#include "reports/tests/pathologies.h"
#include "reports/tests/synthetic.h"
#include "reports/tests/synthetic_clients.h"
#include "reports/tests/validators.h"
#include "reports/write/registry.h"

namespace vfsprof::reports {
namespace {

using synthetic::make_comparison;

RunResult rich_result() {
  RunResult result = make_comparison(7, 0.9);
  result.rounds[2].counters.push_back({"cache_syncs", "calls", 3});
  synthetic::add_floors(result, 7);
  synthetic::add_tracing_rounds(result, 3);
  synthetic::add_clients(result);
  return result;
}

TEST(Schema, ResultsConform) {
  EXPECT_VALIDITY(Validity::kValid, "run_result.schema.json", to_json(rich_result()));
}

TEST(Schema, ResultsWithAnUnknownKeyOrAWrongTypeDoNot) {
  nlohmann::json document = nlohmann::json::parse(to_json(rich_result()));
  document["rounds"][0]["elapsed_ns"] = "long";
  EXPECT_VALIDITY(Validity::kInvalid, "run_result.schema.json", document.dump());
  document = nlohmann::json::parse(to_json(rich_result()));
  document["rounds"][0]["extra"] = 1;
  EXPECT_VALIDITY(Validity::kInvalid, "run_result.schema.json", document.dump());
}

TEST(Schema, ReportsConform) {
  EXPECT_VALIDITY(Validity::kValid, "report.schema.json",
                  render(build_report(rich_result(), default_rules()), "json"));
}

TEST(Schema, AMachineByItselfConforms) {
  RunResult result = synthetic::make_result({});
  synthetic::add_floors(result, 0);
  EXPECT_VALIDITY(Validity::kValid, "run_result.schema.json", to_json(result));
  EXPECT_VALIDITY(Validity::kValid, "report.schema.json",
                  render(build_report(result, default_rules()), "json"));
}

TEST(Schema, VoidReportsConform) {
  RunResult result = rich_result();
  result.rounds[0].void_reason = "the cap fired";
  EXPECT_VALIDITY(Validity::kValid, "report.schema.json",
                  render(build_report(result, default_rules()), "json"));
}

TEST(Schema, ArmsThatPartConform) {
  RunResult result = rich_result();
  synthetic::add_differences(result);
  EXPECT_VALIDITY(Validity::kValid, "run_result.schema.json", to_json(result));
  EXPECT_VALIDITY(Validity::kValid, "report.schema.json",
                  render(build_report(result, default_rules()), "json"));
}

TEST(Schema, RulesConform) {
  for (const char* name :
       {"categories", "kernel", "vfsprof", "libc", "libstdcxx", "rust", "go", "fuse", "generic"}) {
    std::ifstream file(std::string(VFSPROF_REPORTS_FOLDER) + "/rules/" + name + ".json");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    EXPECT_VALIDITY(Validity::kValid, "rules.schema.json", text);
  }
}

TEST(Schema, OpportunityRulesConform) {
  for (const char* name : {"opportunities", "waits"}) {
    std::ifstream file(std::string(VFSPROF_REPORTS_FOLDER) + "/rules/" + name + ".json");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    EXPECT_VALIDITY(Validity::kValid, "opportunities.schema.json", text);
  }
}

TEST(Schema, ReportsWithOpportunitiesConform) {
  const RunResult result = synthetic::hand_off_and_copies().result;
  EXPECT_VALIDITY(Validity::kValid, "report.schema.json",
                  render(build_report(result, default_rules()), "json"));
}

TEST(JsonReport, HoldsWhatTheTablesSay) {
  const Report report = build_report(rich_result(), default_rules());
  const nlohmann::json document = nlohmann::json::parse(render(report, "json"));
  EXPECT_EQ(document["comparisons"][0]["verdict"], "improved");
  EXPECT_EQ(document["arms"][1]["name"], "sharded-pool");
  double sum = 0;
  for (const auto& role : document["arms"][0]["profile"]["roles"]) {
    for (const auto& row : role["rows"]) sum += row["time"]["printed_share_percent"].get<double>();
  }
  EXPECT_NEAR(sum, 100, 1e-9);
  EXPECT_EQ(document["document_rows"].size(), 13U);
}

}  // namespace
}  // namespace vfsprof::reports
