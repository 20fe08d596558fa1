#include "reports/tests/fuzz/hostile_input.h"

#include "reports/analyze/report.h"
#include "reports/import/import_result.h"
#include "reports/import/perf_script.h"
#include "reports/model/json.h"
#include "reports/rules/check_rules.h"
#include "reports/rules/rule_set.h"
#include "reports/tests/synthetic.h"
#include "reports/write/registry.h"

namespace vfsprof::reports::synthetic {
namespace {

const RuleSet& few_rules() {
  static const RuleSet rules = rules_from_json(valid_input(InputKind::kRules), "valid");
  return rules;
}

void render_all(const RunResult& result) {
  const Report report = build_report(result, few_rules());
  render(report, "md");
  render(report, "json");
}

void read(InputKind kind, std::string_view text) {
  if (kind == InputKind::kRules) {
    check_rules(extend_rules(few_rules(), text, "hostile"), "hostile");
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
  if (kind == InputKind::kResult) {
    RunResult result = make_result({"a", "b"});
    for (std::uint32_t arm = 0; arm < 2; ++arm) {
      Round round = make_round({.arm = arm, .kind = RoundKind::kProfiling});
      add_profile(round, hand_off_samples(1), 3);
      result.rounds.push_back(round);
    }
    return to_json(result);
  }
  if (kind == InputKind::kRules) {
    return R"({"categories": [{"id": "c", "title": "C", "description": "d", "group": "g"}],
"rules": [{"id": "wake", "title": "t", "description": "d", "category": "c", "kind": "kernel",
  "role": "mount_vfs", "module": "[kernel]", "inside": ["do_*"], "fallback": false,
  "position": "leaf", "frames": ["futex_*", "*wake*"], "example": ["futex_wake", "do_futex"]}]})";
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
