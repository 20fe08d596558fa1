#pragma once

#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "reports/write/registry.h"

namespace vfsprof::reports {

/// A result in one of the registry's formats, by the default rules.
inline std::string render_as(const RunResult& result, std::string_view format,
                             const RenderOptions& options = {}) {
  const RuleSet rules = default_rules();
  const Report report = build_report(result, rules);
  return render({result, rules, report, options}, format);
}

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace vfsprof::reports
