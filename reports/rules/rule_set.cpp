#include "reports/rules/rule_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "reports/model/json_reader.h"
#include "reports/rules/embedded.h"
#include "reports/rules/function_name.h"
#include "reports/rules/opportunity_rules.h"

namespace vfsprof::reports {
namespace {

/// THE list of rule files; for one frame an earlier file decides before a later one.
constexpr std::array<std::string_view, 11> kRuleFiles{
    "categories.json", "kernel.json",        "vfsprof.json", "libc.json",
    "libstdcxx.json",  "rust.json",          "go.json",      "fuse.json",
    "generic.json",    "opportunities.json", "waits.json"};

// Frames at the outer end of every stack, or of every system call's: matching one says nothing
// about the sample.
constexpr std::array<std::string_view, 26> kOutermostFrames{"entry_SYSCALL_64_after_hwframe",
                                                            "entry_SYSCALL_64",
                                                            "entry_SYSCALL_64_safe_stack",
                                                            "do_syscall_64",
                                                            "x64_sys_call",
                                                            "syscall_exit_to_user_mode",
                                                            "ret_from_fork",
                                                            "ret_from_fork_asm",
                                                            "kthread",
                                                            "worker_thread",
                                                            "start_thread",
                                                            "clone3",
                                                            "__clone3",
                                                            "clone",
                                                            "__clone",
                                                            "main",
                                                            "_start",
                                                            "__libc_start_main",
                                                            "__libc_start_call_main",
                                                            "execute_native_thread_routine",
                                                            "std::thread::_State_impl::_M_run",
                                                            "runtime.goexit",
                                                            "runtime.mcall",
                                                            "runtime.systemstack",
                                                            "runtime.mstart",
                                                            "std::rt::lang_start"};

void check_pattern(const JsonReader& in, const std::string& pattern, bool leaf_only) {
  constexpr long kFewest = 3;
  const auto letters = std::count_if(pattern.begin(), pattern.end(),
                                     [](unsigned char c) { return std::isalnum(c); });
  if (letters < kFewest) {
    in.fail(
        "a function's name or a glob with at least three letters: a rule must name functions, not "
        "match every frame of a module");
  }
  if (leaf_only) return;
  for (const std::string_view frame : kOutermostFrames) {
    if (glob_matches(pattern, frame)) {
      in.fail(
          fmt::format("a pattern that does not match {}, an outermost frame that says nothing "
                      "about a sample; add \"position\": \"leaf\" or narrow the pattern",
                      frame));
    }
  }
}

Category read_category(const JsonReader& in) {
  in.allow_only({"id", "title", "description", "group"});
  Category category{.id = in.member("id").string(),
                    .title = in.member("title").string(),
                    .description = in.member("description").string(),
                    .group = in.find("group") ? in.member("group").string() : "",
                    .origin = {}};
  if (category.id.empty()) in.member("id").fail("an id");
  if (category.id == kUnclassified || category.id == kKernelNotResolved) {
    in.member("id").fail("an id that is not one of the built-in rows");
  }
  if (category.title.empty()) in.member("title").fail("a title");
  return category;
}

/// What may be said about which stacks a rule applies to.
void read_conditions(const JsonReader& in, Rule& rule) {
  if (const auto kind = in.find("kind")) {
    const std::string text = kind->string();
    if (text != "kernel" && text != "user") kind->fail("\"kernel\" or \"user\"");
    rule.kernel = text == "kernel";
  }
  if (const auto role = in.find("role")) rule.role = role->string();
  if (const auto module = in.find("module")) rule.module = module->string();
  if (const auto inside = in.find("inside")) rule.inside = inside->strings();
  if (const auto fallback = in.find("fallback")) rule.fallback = fallback->boolean();
  if (const auto position = in.find("position")) {
    if (position->string() != "leaf") position->fail("\"leaf\"");
    rule.leaf_only = true;
  }
}

using Indices = std::map<std::string, std::size_t>;

Rule read_rule(const JsonReader& in, const Indices& categories) {
  in.allow_only({"id", "title", "description", "category", "frames", "kind", "role", "module",
                 "inside", "position", "fallback", "example"});
  Rule rule;
  rule.id = in.member("id").string();
  if (rule.id.empty()) in.member("id").fail("an id");
  if (const auto title = in.find("title")) rule.title = title->string();
  if (const auto description = in.find("description")) rule.description = description->string();
  const auto category = categories.find(in.member("category").string());
  if (category == categories.end()) in.member("category").fail("the id of a category");
  rule.category = category->second;
  read_conditions(in, rule);
  for (const JsonReader& frame : in.member("frames").elements()) {
    rule.frames.push_back(frame.string());
    check_pattern(frame, rule.frames.back(), rule.leaf_only);
  }
  if (rule.frames.empty()) in.member("frames").fail("at least one pattern");
  rule.example = in.member("example").strings();
  if (rule.example.empty()) in.member("example").fail("a stack, leaf first");
  rule.pointer = in.pointer();
  return rule;
}

template <class T>
Indices indices_of(const std::vector<T>& list) {
  Indices result;
  for (std::size_t i = 0; i < list.size(); ++i) result.emplace(list[i].id, i);
  return result;
}

void add_categories(const JsonReader& in, const std::string& origin, RuleSet& rules) {
  Indices indices = indices_of(rules.categories);
  std::set<std::string> own;
  for (const JsonReader& element : in.elements()) {
    Category category = read_category(element);
    category.origin = origin;
    if (!own.insert(category.id).second) {
      element.member("id").fail("an id that no other category of the file has");
    }
    const auto [found, is_new] = indices.try_emplace(category.id, rules.categories.size());
    if (is_new) rules.categories.emplace_back();
    rules.categories[found->second] = std::move(category);
  }
}

/// Those that replace none.
struct Added {
  std::vector<Rule> rules;
  std::vector<OpportunityRule> opportunities;
};

/// `rules.rules` gets those that replace one, the others are returned.
std::vector<Rule> read_rules(const JsonReader& list, const std::string& origin, RuleSet& rules) {
  std::vector<Rule> added;
  const Indices category_indices = indices_of(rules.categories), base = indices_of(rules.rules);
  std::set<std::string> own;
  for (const JsonReader& element : list.elements()) {
    Rule rule = read_rule(element, category_indices);
    rule.origin = origin;
    if (!own.insert(rule.id).second) {
      element.member("id").fail("an id that no other rule of the file has");
    }
    if (const auto found = base.find(rule.id); found != base.end()) {
      rules.rules[found->second] = std::move(rule);
    } else {
      added.push_back(std::move(rule));
    }
  }
  return added;
}

Added read_file(std::string_view text, const std::string& origin, RuleSet& rules) {
  const JsonDocument document = parse_json(text, origin);
  const JsonReader in(document, origin);
  in.allow_only({"categories", "rules", "opportunities"});
  const auto categories = in.find("categories"), list = in.find("rules"),
             opportunities = in.find("opportunities");
  if (!categories && !list && !opportunities) {
    in.fail("an object with \"categories\", \"rules\" or \"opportunities\"");
  }
  Added added;
  if (categories) add_categories(*categories, origin, rules);
  if (list) added.rules = read_rules(*list, origin, rules);
  if (opportunities) {
    added.opportunities = read_opportunity_rules(*opportunities, origin, rules);
  }
  return added;
}

template <class T>
void put(std::vector<T>& list, std::vector<T>&& added, bool in_front) {
  list.insert(in_front ? list.begin() : list.end(), std::make_move_iterator(added.begin()),
              std::make_move_iterator(added.end()));
}

}  // namespace

RuleSet rules_from_json(std::string_view text, const std::string& origin) {
  return extend_rules({}, text, origin);
}

RuleSet extend_rules(RuleSet base, std::string_view text, const std::string& origin) {
  Added added = read_file(text, origin, base);
  put(base.rules, std::move(added.rules), true);
  put(base.opportunities, std::move(added.opportunities), true);
  return base;
}

RuleSet default_rules() {
  RuleSet result;
  for (const std::string_view file : kRuleFiles) {
    const std::string origin = fmt::format("reports/rules/{}", file);
    Added added = read_file(embedded_text(file), origin, result);
    put(result.rules, std::move(added.rules), false);
    put(result.opportunities, std::move(added.opportunities), false);
  }
  return result;
}

}  // namespace vfsprof::reports
