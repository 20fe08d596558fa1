#include <gtest/gtest.h>

#include <set>

#include "reports/model/format_error.h"
#include "reports/rules/opportunity_rules.h"

namespace vfsprof::reports {
namespace {

std::string error_of(const std::string& text) {
  try {
    opportunity_rules_from_json(text, "rules.json", default_rules());
  } catch (const FormatError& error) {
    return error.what();
  }
  return "";
}

/// A rule with one member replaced.
std::string rule(const std::string& member = "", const std::string& value = "") {
  const std::pair<const char*, const char*> members[] = {
      {"id", R"("a")"},
      {"title", R"("A")"},
      {"applies", R"("elsewhere")"},
      {"evidence", R"([{"categories": ["allocator"], "removes": [0.5, 1]}])"},
      {"problem", R"(["P"])"},
      {"cause", R"(["C"])"},
      {"remedy", R"({"text": "R"})"},
      {"complexity", R"("low")"},
      {"why", R"("W")"}};
  std::string text;
  bool is_new = !member.empty();
  for (const auto& [name, standard] : members) {
    is_new = is_new && name != member;
    text += (text.empty() ? "" : ", ") + ("\"" + std::string(name) + "\": ") +
            (name == member ? value : standard);
  }
  if (is_new) text += ", \"" + member + "\": " + value;
  return "{" + text + "}";
}

std::string file(const std::string& rules) { return "{\"opportunities\": [" + rules + "]}"; }

TEST(OpportunityRules, ThoseCompiledInLoad) {
  std::set<std::string> ids;
  for (const OpportunityRule& each : default_opportunity_rules()) {
    ids.insert(each.id);
    EXPECT_FALSE(each.problem.empty()) << each.id;
    EXPECT_FALSE(each.cause.empty()) << each.id;
    EXPECT_FALSE(each.why.empty()) << each.id;
    if (!each.changes.empty()) {
      EXPECT_EQ(each.scope, RuleScope::kReference) << each.id;
    }
  }
  EXPECT_GE(ids.size(), 12U);
  EXPECT_FALSE(default_role_notes().empty());
}

TEST(OpportunityRules, WrongOnesNameTheirPlace) {
  EXPECT_EQ(error_of(file(rule())), "");
  const std::tuple<const char*, const char*, const char*> rows[] = {
      {"evidence", R"([{"categories": ["nonsense"], "removes": [0, 1]}])",
       "at /opportunities/0/evidence/0/categories/0"},
      {"evidence", R"([{"categories": ["*"], "removes": [0.5, 0.2]}])", "no less than the first"},
      {"evidence", R"([{"categories": ["*"], "removes": [0.5, 7]}])", "/removes/1"},
      {"evidence", R"([{"categories": ["*"], "frames": ["*"], "removes": [0, 1]}])",
       "three letters"},
      {"evidence", "[]", "at least one part"},
      {"complexity", R"("easy")", "/complexity"},
      {"applies", R"("never")", "/applies"},
      {"remedy", R"({"text": "R", "changes": [{"axis": "pool", "value": "sharded"}]})",
       "/remedy/changes"},
      {"axes", R"([{"axis": "pool", "values": ["mutex"]}])", "a rule with axes"},
      {"colour", "1", "colour"},
  };
  for (const auto& [member, value, wanted] : rows) {
    const std::string error = error_of(file(rule(member, value)));
    EXPECT_NE(error.find(wanted), std::string::npos) << member << value << ": " << error;
    EXPECT_NE(error.find("rules.json"), std::string::npos) << error;
  }
  EXPECT_NE(error_of(file(rule() + ", " + rule())).find("/opportunities/1/id"), std::string::npos);
}

}  // namespace
}  // namespace vfsprof::reports
