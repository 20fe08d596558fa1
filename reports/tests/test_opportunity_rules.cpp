#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "reports/model/format_error.h"
#include "reports/rules/check_rules.h"
#include "reports/rules/opportunity_rules.h"
#include "reports/rules/rule_set.h"

namespace vfsprof::reports {
namespace {

std::string error_of(const std::string& text) {
  try {
    extend_rules(default_rules(), text, "rules.json");
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
      {"why", R"("W")"},
      {"example", R"({"role": "server", "stack": ["malloc", "make_message"]})"}};
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
  for (const OpportunityRule& each : default_rules().opportunities) {
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
      {"example", R"({"role": "server", "stack": []})", "/example/stack"},
      {"conditions", R"([{"metric": "hand_offs", "at_least": 2, "below": 1}])",
       "/conditions/0/below"},
  };
  for (const auto& [member, value, wanted] : rows) {
    const std::string error = error_of(file(rule(member, value)));
    EXPECT_NE(error.find(wanted), std::string::npos) << member << value << ": " << error;
    EXPECT_NE(error.find("rules.json"), std::string::npos) << error;
  }
  EXPECT_NE(error_of(file(rule() + ", " + rule())).find("/opportunities/1/id"), std::string::npos);
}

/// A rule that looks at futex calls.
std::string wait_rule(const std::string& waits, const std::string& example) {
  return R"({"id": "a", "title": "A", "applies": "everywhere", "waits": )" + waits +
         R"(, "problem": ["P"], "cause": ["C"], "remedy": {"text": "R"}, "complexity": "low",
             "why": "W", "example": )" +
         example + "}";
}

TEST(OpportunityRules, WrongOnesAboutWaitsNameTheirPlace) {
  const std::string example = R"({"role": "server", "stack": ["pthread_mutex_lock", "f"]})";
  EXPECT_EQ(error_of(file(wait_rule(R"({"measure": "time", "removes": [0, 1]})", example))), "");
  const std::pair<const char*, const char*> rows[] = {
      {R"({"measure": "colour", "removes": [0, 1]})", "/waits/measure"},
      {R"({"measure": "time"})", "/waits"},
      {R"({"measure": "time", "removes": [1, 0]})", "no less than the first"},
      {R"({"measure": "time", "removes": [0, 1], "purposes": ["lunch"]})", "/waits/purposes/0"},
      {R"({"measure": "time", "removes": [0, 1], "frames": ["*"]})", "three letters"},
      {R"({"measure": "retries", "removes": [0, 1], "at_least": 2})", "/waits/at_least"},
      {R"({"measure": "time", "removes": [0, 1], "colour": 1})", "colour"},
  };
  for (const auto& [waits, wanted] : rows) {
    EXPECT_NE(error_of(file(wait_rule(waits, example))).find(wanted), std::string::npos)
        << error_of(file(wait_rule(waits, example)));
  }
  EXPECT_NE(error_of(file(rule("waits", R"({"measure": "time", "removes": [0, 1]})")))
                .find("either \"evidence\" or \"waits\""),
            std::string::npos);
}

TEST(OpportunityRules, AnExampleThatNoWaitRuleLooksAtIsFound) {
  const char* const kLocks =
      R"({"measure": "time", "purposes": ["lock"], "frames": ["*mutex_lock*"], "without": ["*cond*"],
          "removes": [0, 1]})";
  const std::pair<const char*, bool> rows[] = {
      {R"({"role": "s", "stack": ["pthread_mutex_lock", "f"]})", true},
      {R"({"role": "s", "stack": ["f"], "word": "w", "purpose": "lock"})", true},
      {R"({"role": "s", "stack": ["pthread_mutex_lock"], "word": "w", "purpose": "queue"})", false},
      {R"({"role": "s", "stack": ["f"]})", false},
      {R"({"role": "s", "stack": ["pthread_mutex_lock", "pthread_cond_wait"]})", false},
  };
  for (const auto& [example, is_fine] : rows) {
    const RuleSet rules =
        extend_rules(default_rules(), file(wait_rule(kLocks, example)), "rules.json");
    const std::vector<RuleFinding> found = check_rules(rules, "rules.json");
    EXPECT_EQ(found.empty(), is_fine) << example;
    if (!found.empty()) {
      EXPECT_EQ(found[0].pointer, "/opportunities/0/example");
    }
  }
}

TEST(OpportunityRules, AFileAddsAndReplaces) {
  const RuleSet base = default_rules();
  const RuleSet added = extend_rules(base, file(rule()), "rules.json");
  ASSERT_EQ(added.opportunities.size(), base.opportunities.size() + 1);
  EXPECT_EQ(added.opportunities.front().id, "a");
  EXPECT_EQ(added.opportunities.front().origin, "rules.json");
  EXPECT_EQ(added.opportunities.front().pointer, "/opportunities/0");
  const RuleSet replaced = extend_rules(base, file(rule("id", R"("allocations")")), "rules.json");
  ASSERT_EQ(replaced.opportunities.size(), base.opportunities.size());
  const auto found = std::ranges::find(replaced.opportunities, "allocations", &OpportunityRule::id);
  EXPECT_EQ(found->title, "A");
  EXPECT_EQ(found - replaced.opportunities.begin(),
            std::ranges::find(base.opportunities, "allocations", &OpportunityRule::id) -
                base.opportunities.begin());
}

TEST(OpportunityRules, ThatDoNotWhatTheyAreForAreFound) {
  const std::tuple<const char*, const char*, const char*, const char*> rows[] = {
      {"example", R"({"role": "server", "stack": ["memmove", "make_message"]})", "example",
       "memory-copy"},
      {"example", R"({"role": "server", "stack": ["nobody_knows"]})", "example", "unclassified"},
      {"evidence", R"([{"categories": ["allocator"], "roles": ["other"], "removes": [0.5, 1]}])",
       "example", "no evidence"},
      {"evidence", R"([{"categories": ["allocator"], "without": ["make_*"], "removes": [0.5, 1]}])",
       "example", "no evidence"},
      {"evidence",
       R"([{"categories": ["allocator"], "removes": [0.5, 1]},
           {"categories": ["allocator"], "frames": ["make_*"], "removes": [0, 1]}])",
       "unreachable", "part 2"},
      {"problem", "[]", "no-description", "opportunity a"},
  };
  for (const auto& [member, value, check, text] : rows) {
    const RuleSet rules = extend_rules(default_rules(), file(rule(member, value)), "rules.json");
    const std::vector<RuleFinding> found = check_rules(rules, "rules.json");
    ASSERT_EQ(found.size(), 1U) << member << value;
    EXPECT_EQ(found[0].check, check);
    EXPECT_TRUE(found[0].pointer.starts_with("/opportunities/0")) << found[0].pointer;
    EXPECT_NE(found[0].message.find(text), std::string::npos) << found[0].message;
  }
  const RuleSet good = extend_rules(default_rules(), file(rule()), "rules.json");
  EXPECT_TRUE(check_rules(good, "rules.json").empty());
}

/// Whether a sample of this stack is evidence for a rule that is compiled in.
bool is_evidence(const std::string& id, const std::vector<std::string>& stack) {
  RuleSet rules = default_rules();
  std::ranges::find(rules.opportunities, id, &OpportunityRule::id)->example.stack = stack;
  return check_rules(rules).empty();
}

TEST(OpportunityRules, TellLocksFromWakeUpsInEveryLanguage) {
  const std::vector<std::string> locks[] = {
      {"futex_wait_[k]", "do_futex_[k]", "__lll_lock_wait", "pthread_mutex_lock", "look_up"},
      // Without its caller, as where there is no frame pointer: only mutexes inherit priority.
      {"rt_mutex_schedule_[k]", "futex_lock_pi_[k]", "do_futex_[k]", "__futex_lock_pi64"},
      {"futex_wake_[k]", "runtime.futex", "sync.(*Mutex).unlockSlow", "main.(*Table).Get"},
      {"futex_wait_[k]", "runtime.futex", "sync.(*RWMutex).RLock", "main.(*Table).Get"},
  };
  for (const std::vector<std::string>& stack : locks) {
    EXPECT_TRUE(is_evidence("global-lock", stack)) << stack.back();
    EXPECT_FALSE(is_evidence("wake-ups", stack)) << stack.back();
  }
  const std::vector<std::string> hand_over{"futex_wake_[k]", "do_futex_[k]", "pthread_cond_signal"};
  EXPECT_FALSE(is_evidence("global-lock", hand_over));
  EXPECT_TRUE(is_evidence("wake-ups", hand_over));
}

TEST(OpportunityRules, SleepingIsNoReadingOfTheClock) {
  EXPECT_TRUE(is_evidence("clock-reads", {"__vdso_clock_gettime", "clock_gettime", "stamp"}));
  EXPECT_FALSE(is_evidence("clock-reads", {"hrtimer_start_range_ns_[k]", "do_nanosleep_[k]",
                                           "__x64_sys_clock_nanosleep_[k]", "clock_nanosleep"}));
}

}  // namespace
}  // namespace vfsprof::reports
