#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>

#include "reports/lint/rules.h"

namespace vfsprof::reports {
namespace {

constexpr double kEpsilon = 1e-6;

bool is_total_row(const TableRow& row) {
  const std::vector<std::string> words = words_of(row.cells.empty() ? "" : row.cells.front());
  return words.size() == 1 && (words[0] == "all" || words[0] == "total" || words[0] == "sum");
}

/// What the rows of a column add up to; nothing if one of them is no number.
std::optional<Percentage> sum_of(const DocumentTable& table, std::size_t column, std::size_t rows) {
  Percentage sum;
  for (std::size_t i = 0; i < rows; ++i) {
    const auto value = cell_number(table.rows[i].cells[column]);
    if (!value) return std::nullopt;
    sum.low += value->low;
    // Counts are exact.
    sum.precision += value->precision < 0.5 ? value->precision : 0;
  }
  return sum;
}

/// "(n = 1,278)", "n = 2,698 samples".
std::optional<double> samples_in(std::string_view text) {
  for (std::size_t at = text.find("n = "); at != std::string_view::npos;
       at = text.find("n = ", at + 1)) {
    if (at > 0 && std::isalnum(static_cast<unsigned char>(text[at - 1])) != 0) continue;
    const std::string_view rest = text.substr(at + 4);
    const std::size_t end = std::min(rest.find_first_not_of("0123456789,"), rest.size());
    std::string digits(rest.substr(0, end));
    while (digits.ends_with(',')) digits.pop_back();
    if (const auto number = cell_number(digits)) return number->low;
  }
  return std::nullopt;
}

}  // namespace

void check_total_rows(const LintInput& input, LintFindings& findings) {
  for (const DocumentSection& section : input.document.sections) {
    for (const DocumentTable& table : section.tables) {
      if (table.rows.size() < 2 || !is_total_row(table.rows.back())) continue;
      const TableRow& total = table.rows.back();
      for (std::size_t i = 1; i < table.columns.size(); ++i) {
        const auto known = cell_number(total.cells[i]);
        const auto sum = sum_of(table, i, table.rows.size() - 1);
        if (!known || !sum) continue;
        const double slack = known->precision < 0.5 ? known->precision : 0;
        if (std::abs(known->low - sum->low) <= sum->precision + slack + kEpsilon) continue;
        findings.push_back(
            {total.line, "",
             fmt::format("column \"{}\" adds up to {:.10g}, and its total says {:.10g}: one of the "
                         "figures is wrong",
                         without_markup(table.columns[i]), sum->low, known->low)});
      }
    }
  }
}

void check_differences(const LintInput& input, LintFindings& findings) {
  for (const DocumentSection& section : input.document.sections) {
    for (const DocumentTable& table : section.tables) {
      for (std::size_t i = 2; i < table.columns.size(); ++i) {
        if (words_of(table.columns[i]).empty() || words_of(table.columns[i])[0] != "difference") {
          continue;
        }
        for (const TableRow& row : table.rows) {
          const auto before = cell_number(row.cells[i - 2]), after = cell_number(row.cells[i - 1]);
          const auto difference = cell_number(row.cells[i]);
          if (!before || !after || !difference) continue;
          const double wanted = after->low - before->low;
          if (std::abs(wanted - difference->low) <=
              before->precision + after->precision + difference->precision + kEpsilon) {
            continue;
          }
          findings.push_back({row.line, "",
                              fmt::format("from {:.10g} to {:.10g} is {:+.10g}, not {:+.10g}: one "
                                          "of the figures is wrong",
                                          before->low, after->low, wanted, difference->low)});
        }
      }
    }
  }
}

void check_sample_sums(const LintInput& input, LintFindings& findings) {
  std::map<std::size_t, double> sums;  // by the section around the threads
  for (const ThreadSection& thread : input.threads) {
    const DocumentSection& section = input.document.sections[thread.section];
    const auto stated = samples_in(section.title);
    if (!stated) continue;
    sums[section.parent.value_or(0)] += *stated;
    const DocumentTable& table = section.tables.front();
    const auto column = std::ranges::find(table.columns, "n");
    if (column == table.columns.end() || table.rows.empty() || !is_total_row(table.rows.back())) {
      continue;
    }
    const auto index = static_cast<std::size_t>(column - table.columns.begin());
    const auto total = cell_number(table.rows.back().cells[index]);
    if (!total || total->low == *stated) continue;
    findings.push_back({section.line, "",
                        fmt::format("n is {:.10g} here and {:.10g} in the table (line {}): one of "
                                    "the figures is wrong",
                                    *stated, total->low, table.rows.back().line)});
  }
  for (const auto& [parent, sum] : sums) {
    const DocumentSection& section = input.document.sections[parent];
    bool has_others = false;
    std::optional<double> whole;
    for (const TextLine& line : section.text) {
      has_others = has_others || line.text.starts_with("Other kinds of threads");
      if (!whole) whole = samples_in(line.text);
    }
    for (const ThreadSection& thread : input.threads) {
      const DocumentSection& own = input.document.sections[thread.section];
      if (own.parent.value_or(0) != parent) continue;
      for (const TextLine& line : own.text) {
        has_others = has_others || line.text.starts_with("Other kinds of threads");
      }
    }
    if (!whole || (has_others ? sum <= *whole : sum == *whole)) continue;
    findings.push_back({section.line, "",
                        fmt::format("the threads have {:.10g} samples, and the whole {:.10g}: one "
                                    "of the figures is wrong",
                                    sum, *whole)});
  }
}

}  // namespace vfsprof::reports
