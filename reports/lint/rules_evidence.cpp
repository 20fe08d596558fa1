#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "reports/lint/rules.h"

namespace vfsprof::reports {
namespace {

// Two-sided, 95 %.
constexpr double kNormalQuantile = 1.96;

bool has_word(const std::vector<std::string>& words,
              std::initializer_list<std::string_view> wanted) {
  return std::ranges::any_of(words, [&](const std::string& word) {
    return std::ranges::find(wanted, word) != wanted.end();
  });
}

template <class Predicate>
bool any_line(const LintInput& input, Predicate holds) {
  return std::ranges::any_of(input.document.lines,
                             [&](const TextLine& line) { return holds(line.text); });
}

/// Shares before and after with their difference, in one row of a table.
struct ShareChange {
  const DocumentTable* table = nullptr;
  const TableRow* row = nullptr;
  std::size_t column = 0;  ///< of the difference
  double before = 0;
  double after = 0;
};

std::vector<ShareChange> share_changes(const LintInput& input) {
  std::vector<ShareChange> changes;
  for (const DocumentSection& section : input.document.sections) {
    for (const DocumentTable& table : section.tables) {
      for (const TableRow& row : table.rows) {
        for (std::size_t i = 2; i < row.cells.size(); ++i) {
          const auto before = first_percentage(row.cells[i - 2]);
          const auto after = first_percentage(row.cells[i - 1]);
          const std::string& cell = row.cells[i];
          if (!before || !after || !(cell.starts_with('-') || cell.starts_with('+'))) continue;
          changes.push_back({&table, &row, i, before->low, after->low});
        }
      }
    }
  }
  return changes;
}

}  // namespace

void check_conditions(const LintInput& input, LintFindings& findings) {
  if (input.threads.empty()) return;
  constexpr std::string_view kFrequencies[] = {"Hz", "kHz"};
  constexpr std::string_view kPeriods[] = {"ns", "us", "\xc2\xb5s", "ms"};
  std::string missing;
  const auto miss = [&](std::string_view what) {
    missing += fmt::format("{}{}", missing.empty() ? "" : ", ", what);
  };
  // A row or line about it ("| kernel | 6.1 |", "CPU: ..."), not any sentence that has the word.
  const auto names = [&](std::initializer_list<std::string_view> wanted) {
    return any_line(input, [&](const std::string& line) {
      const std::vector<std::string> words = words_of(line);
      return words.size() > 1 && line.find_first_of("|:") != std::string::npos &&
             has_word({words.front()}, wanted);
    });
  };
  const auto states_frequency = [&](const std::string& line) {
    return has_quantity(line, kFrequencies) ||
           line.find("unknown frequency") != std::string::npos ||
           (line.find("a sample counts for") != std::string::npos && has_quantity(line, kPeriods));
  };
  if (!names({"kernel", "machine", "distribution"})) miss("the kernel");
  if (!names({"cpu", "machine", "processor"})) miss("the CPU");
  if (!any_line(input, states_frequency)) miss("the sampling frequency");
  if (missing.empty()) return;
  findings.push_back(
      {input.document.sections[input.threads.front().section].line, "",
       fmt::format("shares without {}: say where and how they were measured", missing)});
}

void check_change_intervals(const LintInput& input, LintFindings& findings) {
  const DocumentTable* last = nullptr;
  for (const ShareChange& change : share_changes(input)) {
    if (change.table == last) continue;
    const bool has_interval =
        change.row->cells[change.column].find('[') != std::string::npos ||
        std::ranges::any_of(change.table->columns, [](const std::string& title) {
          return has_word(words_of(title), {"interval", "verdict", "n", "p"});
        });
    if (has_interval) continue;
    last = change.table;
    // The smallest difference of the table needs the most samples.
    double needed = 0;
    for (const ShareChange& each : share_changes(input)) {
      if (each.table != change.table || each.before == each.after) continue;
      const double mean = (each.before + each.after) / 200;
      const double difference = (each.after - each.before) / 100;
      needed = std::max(needed, 2 * mean * (1 - mean) * std::pow(kNormalQuantile / difference, 2));
    }
    findings.push_back(
        {change.row->line, "",
         fmt::format("changes of shares without interval or number of samples: the smallest of "
                     "this table would need about {:.0f} samples in each run, all independent, to "
                     "be more than chance",
                     std::round(needed / 1000) * 1000)});
  }
}

void check_change_costs(const LintInput& input, LintFindings& findings) {
  const std::vector<ShareChange> changes = share_changes(input);
  const auto states_cost = [](const std::string& line) {
    return line.find("ns/op") != std::string::npos ||
           line.find("per operation") != std::string::npos ||
           line.find("per request") != std::string::npos;
  };
  if (changes.empty() || any_line(input, states_cost)) return;
  const auto largest = std::ranges::max_element(
      changes, {}, [](const ShareChange& change) { return change.after - change.before; });
  findings.push_back(
      {largest->row->line, "",
       fmt::format("from {:g} % to {:g} % may be the same cost in a smaller whole: give the cost "
                   "per operation before and after",
                   largest->before, largest->after)});
}

void check_contention(const LintInput& input, LintFindings& findings) {
  constexpr std::string_view kTimes[] = {"ns", "us", "\xc2\xb5s", "ms", "s"};
  const auto states_waits = [&](const std::string& line) {
    const std::string text = lower_case(line);
    return (text.find("wait") != std::string::npos || text.find("off-cpu") != std::string::npos ||
            text.find("blocked") != std::string::npos) &&
           has_quantity(line, kTimes);
  };
  if (any_line(input, states_waits)) return;
  for (const TextLine& line : input.document.lines) {
    if (!has_word(words_of(line.text), {"contention"}) || percentages(line.text).empty()) continue;
    findings.push_back({line.line, "",
                        "contention is time spent waiting, and samples on a CPU see none of it: "
                        "give wait times, or call it CPU time in these functions"});
    return;
  }
}

}  // namespace vfsprof::reports
