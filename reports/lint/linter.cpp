#include "reports/lint/linter.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "reports/lint/rules.h"

namespace vfsprof::reports {
namespace {

constexpr std::array kRules{
    LintRule{"row-sum", "the rows of a thread do not add up to its share", check_row_sums},
    LintRule{"thread-sum", "the threads do not add up to 100 %", check_thread_sums},
    LintRule{"disagreement", "one figure has different values in two places", check_disagreement},
    LintRule{"total", "a total is not the sum of the rows that it names", check_totals},
    LintRule{"total-row", "a column does not add up to its row of totals", check_total_rows},
    LintRule{"difference", "a difference is not that of the figures beside it", check_differences},
    LintRule{"sample-sum", "numbers of samples do not add up", check_sample_sums},
    LintRule{"inclusive-row", "a row's function appears in the stack of another row",
             check_inclusive_rows},
    LintRule{"below-threshold", "an item lies below the threshold of its section",
             check_thresholds},
    LintRule{"impact", "an item states two different impacts", check_stated_impacts},
    LintRule{"added-percentages", "improvements were added where they compound",
             check_added_percentages},
    LintRule{"points-as-percent", "a difference of shares is given in %, not in percentage points",
             check_points},
    LintRule{"no-sample-count", "shares without the number of samples", check_sample_count},
    LintRule{"no-duration", "shares without how long was sampled", check_duration},
    LintRule{"no-absolute-figure", "shares without any time, rate or cost", check_absolute_figures},
    LintRule{"no-conditions", "shares without machine, kernel and sampling frequency",
             check_conditions},
    LintRule{"no-interval", "changes of shares that may be chance", check_change_intervals},
    LintRule{"no-cost", "shares before and after, and no cost", check_change_costs},
    LintRule{"contention", "contention judged by CPU time, without any wait time",
             check_contention},
    LintRule{"cut-name", "a thread's name may be cut at 15 characters", check_cut_names},
    LintRule{"encoding", "the text is no UTF-8, or was decoded wrongly", check_encoding},
};

constexpr std::string_view kWholes[] = {"sample", "cpu", "time", "total", "overhead"};

/// "1. name (Role) - 47% of samples", "Thread name: 47 % of CPU time": what stands before the
/// share, without number and role.
std::string thread_name(std::string_view title) {
  const std::size_t number = title.find_first_not_of("0123456789");
  if (number != std::string_view::npos && number > 0 &&
      (title.substr(number).starts_with(". ") || title.substr(number).starts_with(") "))) {
    title.remove_prefix(number + 2);
  }
  constexpr std::string_view kThread = "thread ";
  if (lower_case(title).starts_with(kThread)) title.remove_prefix(kThread.size());
  for (const std::string_view end : {" (", ": ", " - ", " \xe2\x80\x93 ", " \xe2\x80\x94 "}) {
    if (const std::size_t at = title.find(end, 1); at != std::string_view::npos) {
      title = title.substr(0, at);
    }
  }
  return without_markup(title);
}

bool is_total(std::string_view label) {
  const std::vector<std::string> words = words_of(label);
  return !words.empty() &&
         (words.front() == "all" || words.front() == "total" || words.front() == "sum");
}

/// The first column that holds percentages, and no range of them, gives a row's share.
void read_rows(const DocumentTable& table, ThreadSection& thread) {
  for (const TableRow& row : table.rows) {
    if (row.cells.empty() || is_total(row.cells.front())) continue;
    for (std::size_t i = 1; i < row.cells.size(); ++i) {
      const auto value = first_percentage(row.cells[i]);
      if (!value) continue;
      thread.rows.push_back({row.line, without_markup(row.cells.front()), *value});
      break;
    }
  }
}

std::vector<ThreadSection> find_threads(const MarkdownDocument& document) {
  std::vector<ThreadSection> threads;
  for (std::size_t i = 0; i < document.sections.size(); ++i) {
    const DocumentSection& section = document.sections[i];
    const std::size_t percent = section.title.rfind('%');
    const auto share = first_percentage(section.title);
    if (!share || share->is_range() || section.tables.empty()) continue;
    const std::vector<std::string> words = words_of(section.title.substr(percent));
    const bool names_whole = std::ranges::any_of(kWholes, [&](std::string_view word) {
      return std::ranges::find(words, word) != words.end();
    });
    if (!names_whole) continue;
    ThreadSection thread{
        .section = i, .name = thread_name(section.title), .share = *share, .rows = {}};
    read_rows(section.tables.front(), thread);
    if (!thread.rows.empty()) threads.push_back(std::move(thread));
  }
  return threads;
}

}  // namespace

std::span<const LintRule> lint_rules() { return kRules; }

std::vector<LintFinding> lint_markdown(std::string_view text) {
  const MarkdownDocument document = parse_markdown(text);
  const LintInput input{document, find_threads(document)};
  std::vector<LintFinding> findings;
  for (const LintRule& rule : kRules) {
    const std::size_t before = findings.size();
    rule.check(input, findings);
    for (std::size_t i = before; i < findings.size(); ++i) findings[i].rule = rule.id;
  }
  std::ranges::stable_sort(findings, {}, &LintFinding::line);
  return findings;
}

}  // namespace vfsprof::reports
