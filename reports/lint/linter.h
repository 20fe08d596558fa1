#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reports/lint/document.h"
#include "reports/model/run_result.h"
#include "reports/rules/rule_set.h"

namespace vfsprof::reports {

/// Something in a report that cannot be right, or that a reader needs and does not find.
struct LintFinding {
  std::size_t line = 0;  ///< counted from 1
  std::string rule;
  std::string message;
};

/// A thread's part of the whole: a section whose heading gives its share of samples or CPU time.
struct ThreadSection {
  std::size_t section = 0;  ///< index into MarkdownDocument::sections
  std::string name;
  Percentage share;
  struct Row {
    std::size_t line = 0;
    std::string label;
    Percentage value;
  };
  std::vector<Row> rows;  ///< without the row of the total
};

/// What every rule looks at.
struct LintInput {
  const MarkdownDocument& document;
  std::vector<ThreadSection> threads;
};

/// A rule: a function that adds what it finds.
struct LintRule {
  std::string_view id;
  std::string_view summary;
  void (*check)(const LintInput& input, std::vector<LintFinding>& findings);
};

/// THE list of rules (linter.cpp).
std::span<const LintRule> lint_rules();

/// Checks a report in Markdown, by whoever wrote it. Findings by line.
std::vector<LintFinding> lint_markdown(std::string_view text);

/// Checks report.json of this program: its sums, and that its tables agree.
/// Errors: FormatError if the text is no such report.
std::vector<LintFinding> lint_report_json(std::string_view text, const std::string& origin);

/// Checks a result of this program: what it holds twice, and the reports that are made of it.
std::vector<LintFinding> lint_result(const RunResult& result, const RuleSet& rules);

}  // namespace vfsprof::reports
