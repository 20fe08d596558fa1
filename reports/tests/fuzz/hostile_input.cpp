#include "reports/tests/fuzz/hostile_input.h"

#include "reports/analyze/report.h"
#include "reports/gate/policy.h"
#include "reports/import/import_result.h"
#include "reports/import/perf_script.h"
#include "reports/lint/linter.h"
#include "reports/model/json.h"
#include "reports/rules/check_rules.h"
#include "reports/rules/rule_set.h"
#include "reports/tests/synthetic.h"
#include "reports/write/registry.h"

namespace vfsprof::reports::synthetic {
namespace {

RunResult small_result() {
  RunResult result = make_result({"a", "b"});
  for (std::uint32_t arm = 0; arm < 2; ++arm) {
    Round round = make_round({.arm = arm, .kind = RoundKind::kProfiling});
    add_profile(round, hand_off_samples(1), 3);
    result.rounds.push_back(round);
  }
  add_tracing_rounds(result, 1);
  return result;
}

std::string valid_rules() {
  return R"({"categories": [{"id": "c", "title": "C", "description": "d", "group": "g"}],
"rules": [{"id": "wake", "title": "t", "description": "d", "category": "c", "kind": "kernel",
  "role": "mount_vfs", "module": "[kernel]", "inside": ["do_*"], "fallback": false,
  "position": "leaf", "frames": ["futex_*", "*wake*"], "example": ["futex_wake", "do_futex"]}],
"opportunities": [{"id": "o", "title": "t", "applies": "elsewhere",
  "conditions": [{"metric": "share:c", "at_least": 0.01}],
  "evidence": [{"categories": ["c", "group:g"], "roles": ["server"], "frames": ["futex_*"],
    "without": ["other*"], "removes": [0.5, 1], "per": {"metric": "call_sites", "to": 1}}],
  "problem": ["{share} in {roles}"], "cause": ["c"], "remedy": {"text": "r"},
  "complexity": "low", "why": "w",
  "example": {"role": "server", "stack": ["futex_wake_[k]", "do_futex_[k]"]}},
 {"id": "w", "title": "t", "applies": "everywhere",
  "waits": {"measure": "time", "words": ["pool.*"], "purposes": ["lock"], "frames": ["*lock*"],
    "without": ["*cond*"], "at_least": 0.1, "removes": [0.5, 1]},
  "problem": ["{word} {mean}"], "cause": ["{beside}"], "remedy": {"text": "r"},
  "complexity": "low", "why": "w",
  "example": {"role": "server", "word": "pool.mutex", "purpose": "lock", "stack": ["f"]}}]})";
}

std::string valid_policy() {
  return R"({"schema_version": 1, "name": "p", "budget": "90s", "looks": 2, "confidence": 0.99,
"scenarios": [{"name": "overwrite-4k", "scale": 0.5}, {"name": "b"}], "placement": "packed",
"metrics": [{"metric": "cpu_ns_per_operation", "scenario": "b", "limit": {"relative": 0.05}},
            {"metric": "cpu_ns_per_operation", "role": "mount_vfs", "category": "futex-wake",
             "limit": {"absolute": 100}, "optional": true}],
"baseline_max_age": "30d", "other_environment": "exact-counts"})";
}

const RuleSet& few_rules() {
  static const RuleSet rules = rules_from_json(valid_rules(), "valid");
  return rules;
}

void render_all(const RunResult& result) {
  const Report report = build_report(result, few_rules());
  lint_markdown(render(report, "md"));
  lint_report_json(render(report, "json"), "hostile");
}

void read(InputKind kind, std::string_view text) {
  if (kind == InputKind::kRules) {
    check_rules(extend_rules(few_rules(), text, "hostile"), "hostile");
  } else if (kind == InputKind::kMarkdown) {
    lint_markdown(text);
  } else if (kind == InputKind::kReportJson) {
    lint_report_json(text, "hostile");
  } else if (kind == InputKind::kPolicy) {
    policy_from_json(text, "hostile");
  } else if (kind == InputKind::kResult) {
    render_all(run_result_from_json(text, "hostile"));
  } else {
    PerfScriptReader reader("hostile");
    reader.feed(text);
    render_all(make_import_result({reader.finish()}, {}));
  }
}

}  // namespace

std::string read_hostile(InputKind kind, std::string_view text) {
  try {
    read(kind, text);
  } catch (const FormatError& error) {
    return error.what();
  }
  return "";
}

std::string valid_input(InputKind kind) {
  if (kind == InputKind::kResult) return to_json(small_result());
  if (kind == InputKind::kRules) return valid_rules();
  if (kind == InputKind::kPolicy) return valid_policy();
  if (kind == InputKind::kMarkdown || kind == InputKind::kReportJson) {
    return render(build_report(small_result(), few_rules()),
                  kind == InputKind::kMarkdown ? "md" : "json");
  }
  std::string text = "# captured on: today\n# cpudesc : A CPU\n";
  for (int i = 0; i < 30; ++i) {
    text += "worker 10/1" + std::to_string(i % 3) + " [000] 4.0" + std::to_string(10000 + 7 * i) +
            ": 1001001 cpu-clock:u:\n\tffffffff813a4413 futex_wake+0x93 ([kernel.kallsyms])\n"
            "\t    7f12 std::vector<int>::push_back(int&&)+0x3 (/usr/lib/a program (1).so)\n"
            "\t    7f13 [unknown] (/usr/bin/daemon)\n\n";
  }
  return text;
}

}  // namespace vfsprof::reports::synthetic
