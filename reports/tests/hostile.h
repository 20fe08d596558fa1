#pragma once

#include <string>
#include <vector>

#include "reports/tests/synthetic.h"

namespace vfsprof::reports::synthetic {

/// Names as programs, people and damaged files make them.
inline std::vector<std::string> hostile_names() {
  using namespace std::string_literals;
  std::vector<std::string> names{
      "<script>alert(1)</script>",
      "a|b||c\\|d\\",
      "`code` ``` ```",
      "line\nbreak\r\n# heading\n| cell |",
      "\n",
      "",
      "   ",
      "tab\there\0zero\x1b[31mred\x7f\x01"s,
      "\xff\xfe broken \xc3\x28 \xe2\x82 \xed\xa0\x80 \xf4\x90\x80\x80",
      "\xc2\x9b"
      "31m C1 control",
      "\xe2\x80\xae"
      "evil\xe2\x80\xac \xe2\x81\xa6isolate \xe2\x80\x8fmark",
      "\xe2\x80\xa8line separator\xe2\x80\xa9 \xef\xbb\xbf \xef\xbf\xbe \xef\xbf\xbf",
      "]]><x a=\"b\" c='d'>&amp;&#0;",
      "</title></svg><!-- -->",
      "semi;colon;s 12 34",
      "12",
      "*bold* _under_ [link](javascript:alert(1)) ![i](x)",
      "<details><summary>x</summary>",
      "</details>",
      "../../etc/passwd",
      "%s%n{}{0}",
      "\xe6\xbc\xa2\xe5\xad\x97\xe3\x81\xa7\xe3\x81\x99 \xf0\x9f\x94\xa5 e\xcc\x81\xcc\x82",
      "-rf",
      "| --- | ---: |",
      "#1",
      std::string(10'000, 'x'),
  };
  std::string wide;
  for (int i = 0; i < 3'000; ++i) wide += "\xe6\xbc\xa2";
  names.push_back(wide);
  std::string words;
  for (int i = 0; i < 2'000; ++i) words += "word ";
  names.push_back(words);
  std::string everything;
  for (std::size_t i = 0; i < 20; ++i) everything += names[i];
  names.push_back(everything);
  return names;
}

/// A comparison in which everything that can come from outside is called `name`.
inline RunResult make_hostile_comparison(const std::string& name) {
  RunResult result = make_comparison(6, 0.8);
  result.arms[1].name = name;
  result.arms[1].canonical = name;
  result.scenario.name = result.scenario.summary = name;
  result.environment.kernel = result.environment.cpu_model = name;
  result.warnings.push_back(name);
  result.capabilities.push_back({name, CapabilityState::kDegraded, name, name});
  for (Round& round : result.rounds) {
    round.counters.push_back({name, name, 5});
    round.operations[0].kind = name;
    if (!round.profile) continue;
    round.profile->event = name;
    round.threads[0].name = round.threads[0].full_name = round.threads[0].role = name;
    for (std::size_t i = 0; i < round.profile->frames.size(); i += 3) {
      round.profile->frames[i].function = i % 2 == 0 ? name : "";
      round.profile->frames[i].module = name;
    }
  }
  return result;
}

}  // namespace vfsprof::reports::synthetic
