#include "reports/rules/opportunity_rules.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "reports/model/json_reader.h"
#include "reports/rules/embedded.h"
#include "reports/rules/function_name.h"

namespace vfsprof::reports {
namespace {

constexpr std::array<std::string_view, 3> kComplexities{"low", "medium", "high"};
constexpr std::array<std::string_view, 3> kScopes{"reference", "elsewhere", "everywhere"};
constexpr std::array<std::string_view, 3> kMeasures{"time", "useless_wakes", "retries"};
constexpr std::array<std::string_view, 4> kPurposes{"lock", "queue", "completion", "other"};
constexpr std::string_view kGroup = "group:";

void check_category(const JsonReader& in, const std::string& id, const RuleSet& rules) {
  if (id == "*" || id == kUnclassified) return;
  const bool known = std::ranges::any_of(rules.categories, [&](const Category& category) {
    return id.starts_with(kGroup) ? category.group == id.substr(kGroup.size()) : category.id == id;
  });
  if (!known) in.fail("the id of a category, \"group:NAME\" or \"*\"");
}

double fraction(const JsonReader& in) {
  const double value = in.number();
  if (!(value >= 0 && value <= 1)) in.fail("a number from 0 to 1");
  return value;
}

std::vector<std::string> globs(const JsonReader& in) {
  constexpr long kFewest = 3;
  std::vector<std::string> result;
  for (const JsonReader& element : in.elements()) {
    result.push_back(element.string());
    const auto letters =
        std::ranges::count_if(result.back(), [](unsigned char c) { return std::isalnum(c) != 0; });
    if (letters < kFewest) element.fail("a function's name or a glob with at least three letters");
  }
  return result;
}

/// "removes": what goes away at least and at most.
std::array<double, 2> read_removes(const JsonReader& in) {
  const std::vector<JsonReader> removes = in.elements();
  if (removes.size() != 2) in.fail("two numbers, the least and the most");
  const std::array<double, 2> result{fraction(removes[0]), fraction(removes[1])};
  if (result[0] > result[1]) removes[1].fail("no less than the first");
  return result;
}

WordPurpose read_purpose(const JsonReader& in) {
  const auto found = std::ranges::find(kPurposes, in.string());
  if (found == kPurposes.end()) in.fail("\"lock\", \"queue\", \"completion\" or \"other\"");
  return static_cast<WordPurpose>(found - kPurposes.begin());
}

WaitEvidence read_waits(const JsonReader& in) {
  in.allow_only({"measure", "words", "purposes", "frames", "without", "at_least", "removes"});
  WaitEvidence result;
  const auto measure = std::ranges::find(kMeasures, in.member("measure").string());
  if (measure == kMeasures.end()) {
    in.member("measure").fail("\"time\", \"useless_wakes\" or \"retries\"");
  }
  result.measure = static_cast<WaitMeasure>(measure - kMeasures.begin());
  if (const auto words = in.find("words")) result.words = words->strings();
  if (const auto purposes = in.find("purposes")) {
    for (const JsonReader& each : purposes->elements()) {
      result.purposes.push_back(read_purpose(each));
    }
  }
  if (const auto frames = in.find("frames")) result.frames = globs(*frames);
  if (const auto without = in.find("without")) result.without = globs(*without);
  if (const auto least = in.find("at_least")) result.at_least = fraction(*least);
  const auto removes = read_removes(in.member("removes"));
  result.removes_low = removes[0];
  result.removes_high = removes[1];
  return result;
}

EvidencePart read_part(const JsonReader& in, const RuleSet& rules) {
  in.allow_only({"categories", "roles", "frames", "without", "removes", "per"});
  EvidencePart part;
  for (const JsonReader& category : in.member("categories").elements()) {
    part.categories.push_back(category.string());
    check_category(category, part.categories.back(), rules);
  }
  if (part.categories.empty()) in.member("categories").fail("at least one category");
  if (const auto roles = in.find("roles")) part.roles = roles->strings();
  if (const auto frames = in.find("frames")) part.frames = globs(*frames);
  if (const auto without = in.find("without")) part.without = globs(*without);
  const auto removes = read_removes(in.member("removes"));
  part.removes_low = removes[0];
  part.removes_high = removes[1];
  if (const auto per = in.find("per")) {
    per->allow_only({"metric", "to"});
    part.per = per->member("metric").string();
    part.to = per->member("to").number();
  }
  return part;
}

void read_conditions(const JsonReader& in, OpportunityRule& rule) {
  if (const auto axes = in.find("axes")) {
    for (const JsonReader& element : axes->elements()) {
      element.allow_only({"axis", "values"});
      rule.axes.push_back(
          {.axis = element.member("axis").string(), .values = element.member("values").strings()});
      if (rule.axes.back().values.empty()) element.member("values").fail("at least one value");
    }
    rule.scope = RuleScope::kReference;
  }
  if (const auto applies = in.find("applies")) {
    const std::string text = applies->string();
    const auto scope = std::ranges::find(kScopes, text);
    if (scope == kScopes.end()) applies->fail("\"reference\", \"elsewhere\" or \"everywhere\"");
    if (text != "reference" && !rule.axes.empty()) {
      applies->fail("\"reference\": a rule with axes needs a program that has them");
    }
    rule.scope = static_cast<RuleScope>(scope - kScopes.begin());
  } else if (rule.axes.empty()) {
    in.fail("\"axes\" or \"applies\"");
  }
  if (const auto conditions = in.find("conditions")) {
    for (const JsonReader& element : conditions->elements()) {
      element.allow_only({"metric", "at_least", "below"});
      MetricCondition condition{
          .metric = element.member("metric").string(), .at_least = {}, .below = {}};
      if (const auto bound = element.find("at_least")) condition.at_least = bound->number();
      if (const auto bound = element.find("below")) condition.below = bound->number();
      if (!condition.at_least && !condition.below) element.fail("\"at_least\" or \"below\"");
      if (condition.at_least && condition.below && *condition.at_least >= *condition.below) {
        element.member("below").fail("more than \"at_least\": nothing is both");
      }
      rule.conditions.push_back(std::move(condition));
    }
  }
}

void read_remedy(const JsonReader& in, OpportunityRule& rule) {
  in.allow_only({"text", "changes"});
  rule.remedy = in.member("text").string();
  if (rule.remedy.empty()) in.member("text").fail("what to do");
  if (const auto changes = in.find("changes")) {
    if (rule.scope != RuleScope::kReference) {
      changes->fail("absent: only variants of the reference file system have axes");
    }
    for (const JsonReader& element : changes->elements()) {
      element.allow_only({"axis", "value"});
      rule.changes.push_back(
          {.name = element.member("axis").string(), .value = element.member("value").string()});
    }
  }
}

OpportunityExample read_example(const JsonReader& in) {
  in.allow_only({"role", "stack", "word", "purpose"});
  OpportunityExample example{
      .role = in.member("role").string(), .stack = in.member("stack").strings(), .word = {}};
  if (const auto word = in.find("word")) example.word = word->string();
  if (const auto purpose = in.find("purpose")) example.purpose = read_purpose(*purpose);
  if (example.stack.empty()) in.member("stack").fail("a stack, leaf first");
  return example;
}

/// Whether a name that a glob matches is among these.
bool holds(std::span<const std::string> names, const std::vector<std::string>& globs) {
  return std::ranges::any_of(names, [&](const std::string& name) {
    return std::ranges::any_of(globs,
                               [&](const std::string& glob) { return glob_matches(glob, name); });
  });
}

OpportunityRule read_rule(const JsonReader& in, const RuleSet& rules) {
  in.allow_only({"id", "title", "axes", "applies", "conditions", "evidence", "waits", "problem",
                 "cause", "remedy", "complexity", "why", "example"});
  OpportunityRule rule;
  rule.id = in.member("id").string();
  rule.title = in.member("title").string();
  if (rule.title.empty()) in.member("title").fail("a title");
  read_conditions(in, rule);
  if (const auto waits = in.find("waits")) {
    if (in.find("evidence")) waits->fail("absent: a rule has either \"evidence\" or \"waits\"");
    rule.waits = read_waits(*waits);
  } else {
    for (const JsonReader& part : in.member("evidence").elements()) {
      rule.evidence.push_back(read_part(part, rules));
    }
    if (rule.evidence.empty()) in.member("evidence").fail("at least one part");
  }
  rule.problem = in.member("problem").strings();
  rule.cause = in.member("cause").strings();
  read_remedy(in.member("remedy"), rule);
  const std::string complexity = in.member("complexity").string();
  const auto found = std::ranges::find(kComplexities, complexity);
  if (found == kComplexities.end()) in.member("complexity").fail("\"low\", \"medium\" or \"high\"");
  rule.complexity = static_cast<Complexity>(found - kComplexities.begin());
  rule.why = in.member("why").string();
  rule.example = read_example(in.member("example"));
  rule.pointer = in.pointer();
  return rule;
}

}  // namespace

std::vector<OpportunityRule> read_opportunity_rules(const JsonReader& list,
                                                    const std::string& origin, RuleSet& rules) {
  std::vector<OpportunityRule> added;
  std::set<std::string> own;
  for (const JsonReader& element : list.elements()) {
    OpportunityRule rule = read_rule(element, rules);
    rule.origin = origin;
    if (rule.id.empty() || !own.insert(rule.id).second) {
      element.member("id").fail("an id that no other opportunity of the file has");
    }
    const auto found = std::ranges::find(rules.opportunities, rule.id, &OpportunityRule::id);
    (found == rules.opportunities.end() ? added.emplace_back() : *found) = std::move(rule);
  }
  return added;
}

bool looks_at(const WaitEvidence& evidence, const WaitCall& call) {
  if (holds(call.names, evidence.without)) return false;
  if (call.word.empty()) {
    // What a word serves is known by its name; without one, by who calls.
    const bool asks_for_name = !evidence.words.empty() || !evidence.purposes.empty();
    return evidence.frames.empty() ? !asks_for_name : holds(call.names, evidence.frames);
  }
  const bool is_word =
      evidence.words.empty() || std::ranges::any_of(evidence.words, [&](const std::string& glob) {
        return glob_matches(glob, call.word);
      });
  return is_word && (evidence.purposes.empty() ||
                     std::ranges::find(evidence.purposes, call.purpose) != evidence.purposes.end());
}

bool names_category(const EvidencePart& part, const Category& category) {
  return std::ranges::any_of(part.categories, [&](const std::string& id) {
    if (id == "*" || id == category.id) return true;
    return id.starts_with(kGroup) && !category.group.empty() &&
           category.group == std::string_view(id).substr(kGroup.size());
  });
}

std::optional<std::size_t> part_that_holds(const OpportunityRule& rule, const Category& category,
                                           const std::string& role,
                                           std::span<const std::string> names) {
  const auto found = std::ranges::find_if(rule.evidence, [&](const EvidencePart& part) {
    const bool is_role =
        part.roles.empty() || std::ranges::find(part.roles, role) != part.roles.end();
    return names_category(part, category) && is_role &&
           (part.frames.empty() || holds(names, part.frames)) && !holds(names, part.without);
  });
  if (found == rule.evidence.end()) return std::nullopt;
  return static_cast<std::size_t>(found - rule.evidence.begin());
}

std::vector<RoleNote> default_role_notes() {
  const std::string origin = "reports/rules/roles.json";
  const JsonDocument document = parse_json(embedded_text("roles.json"), origin);
  std::vector<RoleNote> result;
  for (const JsonReader& in : JsonReader(document, origin).member("roles").elements()) {
    result.push_back({.role = in.member("role").string(), .note = in.member("note").string()});
  }
  return result;
}

std::string_view to_string(Complexity complexity) {
  return kComplexities[static_cast<std::size_t>(complexity)];
}

}  // namespace vfsprof::reports
