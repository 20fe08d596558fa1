// What a gate writes and reads, against its schemas and the descriptions that its readers publish.

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "reports/gate/write_gate.h"
#include "reports/model/format_error.h"
#include "reports/tests/gate_results.h"
#include "reports/tests/validators.h"

namespace vfsprof::reports {
namespace {

using Json = nlohmann::json;
using synthetic::concluded;
using synthetic::make_turns;

/// A regression with its explanation.
GateReport explained_report() {
  GateReport report = concluded(make_turns({.wakes = 4}));
  MovedCell cell;
  cell.role = "mount_vfs";
  cell.id = "futex-wake";
  cell.title = "Futex wake";
  cell.cost_ns = {1200, Interval{900, 1500}};
  cell.part = 0.9;
  cell.certain_ns = 880;
  cell.counted = "futex wakes 1 -> 2 per operation";
  cell.frames = {{"futex_wake", 1.0}};
  report.scenarios[0].attribution.change_ns = 1333;
  report.scenarios[0].attribution.cells = {cell};
  report.scenarios[0].attribution.unexplained_ns = 133;
  return report;
}

/// Names from outside that would break a careless writer.
GateReport hostile_report() {
  GateReport report = explained_report();
  report.policy = "a\"b\\<c>&\n::error::\x01";
  GateScenario& scenario = report.scenarios[0];
  scenario.name = "]]>%,:|`<script>";
  scenario.candidate = "\xff\xfe";
  scenario.rows[0].title = "wakes <&> \x02 |";
  scenario.rows[0].policy.metric = "m,:%\r\n";
  scenario.rows[0].verdict.ratio = HUGE_VAL;
  scenario.attribution.cells[0].title = "<b>,:%\n";
  scenario.notes = {"line\nbreak"};
  return report;
}

std::vector<GateReport> all_reports() {
  GateReport refused = concluded(make_turns({}));
  refused.refused = true;
  refused.scenarios[0].refusals = {"the baseline is <stale> & \"old\"\nreally"};
  GateReport not_judged = concluded(make_turns({}));
  not_judged.scenarios[0].rows[0].not_judged = "no round has such a metric";
  not_judged.scenarios[0].rows[1].not_judged = "not here";
  not_judged.scenarios[0].rows[1].policy.optional = true;
  return {concluded(make_turns({})),
          explained_report(),
          hostile_report(),
          concluded(make_turns({}, {}, 3)),                               // undecided
          concluded(make_turns({.cpu_ns = 80'000}, {.cpu_ns = 50'000})),  // a failed control
          refused,
          not_judged};
}

TEST(GateOutput, JsonConformsToItsSchema) {
  for (const GateReport& report : all_reports()) {
    EXPECT_VALIDITY(Validity::kValid, "gate.schema.json", gate_json(report));
  }
  Json damaged = Json::parse(gate_json(explained_report()));
  damaged["scenarios"][0]["moved_cells"][0].erase("counted");
  EXPECT_VALIDITY(Validity::kInvalid, "gate.schema.json", damaged.dump());
  damaged = Json::parse(gate_json(explained_report()));
  damaged["outcome"] = "perhaps";
  EXPECT_VALIDITY(Validity::kInvalid, "gate.schema.json", damaged.dump());
}

TEST(GateOutput, JUnitConformsToItsXsd) {
  for (const GateReport& report : all_reports()) {
    const Validity found = validate_xml("junit.xsd", gate_junit(report));
    if (found == Validity::kNoValidator) GTEST_SKIP() << "xmllint (libxml2-utils) is not installed";
    EXPECT_EQ(found, Validity::kValid) << gate_junit(report);
  }
  std::string damaged = gate_junit(explained_report());
  damaged.replace(damaged.find("tests=\""), 7, "tets=\"");
  EXPECT_EQ(validate_xml("junit.xsd", damaged), Validity::kInvalid);
  EXPECT_EQ(validate_xml("junit.xsd", "<testsuites><testsuite>"), Validity::kInvalid);
}

TEST(GateOutput, JUnitCountsAreThoseOfItsCases) {
  for (const GateReport& report : all_reports()) {
    const std::string junit = gate_junit(report);
    const auto count = [&junit](const std::string& text) {
      const std::regex pattern(text);
      return std::distance(std::sregex_iterator(junit.begin(), junit.end(), pattern), {});
    };
    std::smatch totals;
    const std::regex header(
        "<testsuites name=\"[^\"]*\" tests=\"([0-9]+)\" failures=\"([0-9]+)\" errors=\"([0-9]+)\"");
    ASSERT_TRUE(std::regex_search(junit, totals, header)) << junit;
    EXPECT_EQ(std::stol(totals[1]), count("<testcase ")) << junit;
    EXPECT_EQ(std::stol(totals[2]), count("<failure ")) << junit;
    EXPECT_EQ(std::stol(totals[3]), count("<error ")) << junit;
  }
}

/// As GitHub's runner reads a workflow command back (its documentation, "Workflow commands"; its
/// code, ActionCommand.cs): "::" command, a space and properties if any, "::" and the message.
std::string unescaped(std::string text) {
  for (const auto& [code, sign] :
       {std::pair{"%0D", "\r"}, {"%0A", "\n"}, {"%3A", ":"}, {"%2C", ","}, {"%25", "%"}}) {
    for (std::size_t at = 0; (at = text.find(code, at)) != std::string::npos; ++at) {
      text.replace(at, 3, sign);
    }
  }
  return text;
}

TEST(GateOutput, AnnotationsAreWorkflowCommands) {
  const std::regex command("::(error|warning|notice) title=([^:,\r\n]*)::([^\r\n]*)");
  const std::regex escape("%(?!0D|0A|3A|2C|25)");
  std::size_t commands = 0;
  for (const GateReport& report : all_reports()) {
    std::istringstream lines(gate_annotations(report));
    for (std::string line; std::getline(lines, line); ++commands) {
      std::smatch parts;
      ASSERT_TRUE(std::regex_match(line, parts, command)) << line;
      EXPECT_FALSE(std::regex_search(line, escape)) << line;
      EXPECT_TRUE(unescaped(parts[2]).starts_with("vfsprof gate, ")) << line;
    }
  }
  EXPECT_GE(commands, 6U);
  const std::string regressed = gate_annotations(explained_report());
  EXPECT_NE(regressed.find("look first at Futex wake of mount_vfs"), std::string::npos)
      << regressed;
}

TEST(GateOutput, MarkdownNamesTheCellFirst) {
  const std::string markdown = gate_markdown(explained_report());
  EXPECT_NE(markdown.find("Look first at Futex wake of the threads `mount_vfs`: futex wakes 1"),
            std::string::npos)
      << markdown;
}

std::string file_text(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

bool is_read(const std::string& text) {
  try {
    policy_from_json(text, "policy.json");
    return true;
  } catch (const FormatError&) {
    return false;
  }
}

// Who writes a policy with the schema in his editor must not be surprised by the reader.
TEST(PolicySchema, AcceptsWhatTheReaderAccepts) {
  for (const char* const name : {"policy.json", "quick.json"}) {
    const std::string text =
        file_text(std::string(VFSPROF_REPORTS_FOLDER) + "/../scripts/ci/" + name);
    EXPECT_TRUE(is_read(text)) << name;
    EXPECT_VALIDITY(Validity::kValid, "policy.schema.json", text);
  }
}

TEST(PolicySchema, RefusesWhatTheReaderRefuses) {
  const Json good =
      Json::parse(file_text(std::string(VFSPROF_REPORTS_FOLDER) + "/../scripts/ci/policy.json"));
  const auto changed = [&good](auto change) {
    Json policy = good;
    change(policy);
    return policy.dump();
  };
  const std::vector<std::string> bad{
      changed([](Json& p) { p.erase("name"); }),
      changed([](Json& p) { p["schema_version"] = 2; }),
      changed([](Json& p) { p["surprise"] = 1; }),
      changed([](Json& p) { p["metrics"] = Json::array(); }),
      changed([](Json& p) { p["metrics"].push_back(p["metrics"][0]); }),  // nine
      changed([](Json& p) { p["metrics"][0]["limit"] = Json::object(); }),
      changed([](Json& p) { p["metrics"][0]["limit"]["relative"] = -1; }),
      changed([](Json& p) { p["scenarios"][0]["scale"] = 0; }),
      changed([](Json& p) { p["scenarios"] = Json::array(); }),
      changed([](Json& p) { p["budget"] = "soon"; }),
      changed([](Json& p) { p["budget"] = "0s"; }),
      changed([](Json& p) { p["looks"] = 0; }),
      changed([](Json& p) { p["confidence"] = 1; }),
      changed([](Json& p) { p["placement"] = "anywhere"; }),
      changed([](Json& p) { p["other_environment"] = "whatever"; }),
      changed([](Json& p) {
        p["metrics"][0]["metric"] = "thread_wakes";
        p["metrics"][0]["category"] = "futex-wake";
      })};
  for (const std::string& text : bad) {
    EXPECT_FALSE(is_read(text)) << text;
    EXPECT_VALIDITY(Validity::kInvalid, "policy.schema.json", text);
  }
}

}  // namespace
}  // namespace vfsprof::reports
