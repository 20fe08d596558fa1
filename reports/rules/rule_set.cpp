#include "reports/rules/rule_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

#include "reports/model/json_reader.h"
#include "reports/rules/embedded.h"
#include "reports/rules/function_name.h"

namespace vfsprof::reports {
namespace {

// Frames at the outer end of every stack, or of every system call's: matching one says nothing
// about the sample.
constexpr std::array<std::string_view, 21> kOutermostFrames{"entry_SYSCALL_64_after_hwframe",
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
                                                            "std::thread::_State_impl::_M_run"};

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
                    .group = in.find("group") ? in.member("group").string() : ""};
  if (category.id.empty()) in.member("id").fail("an id");
  if (category.id == kUnclassified || category.id == kKernelNotResolved) {
    in.member("id").fail("an id that is not one of the built-in rows");
  }
  if (category.title.empty()) in.member("title").fail("a title");
  return category;
}

Rule read_rule(const JsonReader& in, const std::map<std::string, std::size_t>& categories) {
  in.allow_only({"category", "frames", "kind", "role", "module", "inside", "position", "example"});
  Rule rule;
  const auto category = categories.find(in.member("category").string());
  if (category == categories.end()) {
    in.member("category").fail("the id of one of the file's categories");
  }
  rule.category = category->second;
  if (const auto kind = in.find("kind")) {
    const std::string text = kind->string();
    if (text != "kernel" && text != "user") kind->fail("\"kernel\" or \"user\"");
    rule.kernel = text == "kernel";
  }
  if (const auto role = in.find("role")) rule.role = role->string();
  if (const auto module = in.find("module")) rule.module = module->string();
  if (const auto inside = in.find("inside")) rule.inside = inside->strings();
  if (const auto position = in.find("position")) {
    if (position->string() != "leaf") position->fail("\"leaf\"");
    rule.leaf_only = true;
  }
  for (const JsonReader& frame : in.member("frames").elements()) {
    rule.frames.push_back(frame.string());
    check_pattern(frame, rule.frames.back(), rule.leaf_only);
  }
  if (rule.frames.empty()) in.member("frames").fail("at least one pattern");
  rule.example = in.member("example").strings();
  if (rule.example.empty()) in.member("example").fail("a stack, leaf first");
  return rule;
}

}  // namespace

RuleSet rules_from_json(std::string_view text, const std::string& origin) {
  const nlohmann::json document = parse_json(text, origin);
  const JsonReader in(document, origin);
  in.allow_only({"categories", "rules"});
  RuleSet result;
  std::map<std::string, std::size_t> indices;
  for (const JsonReader& element : in.member("categories").elements()) {
    Category category = read_category(element);
    if (!indices.emplace(category.id, result.categories.size()).second) {
      element.member("id").fail("an id that no other category has");
    }
    result.categories.push_back(std::move(category));
  }
  for (const JsonReader& element : in.member("rules").elements()) {
    result.rules.push_back(read_rule(element, indices));
  }
  return result;
}

RuleSet default_rules() {
  return rules_from_json(embedded_text("default.json"), "reports/rules/default.json");
}

}  // namespace vfsprof::reports
