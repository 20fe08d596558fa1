#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <string_view>

#include "reports/lint/rules.h"

namespace vfsprof::reports {
namespace {

constexpr double kEpsilon = 1e-6;

bool contains_any(const std::vector<std::string>& words,
                  std::initializer_list<std::string_view> wanted) {
  return std::ranges::any_of(words, [&](const std::string& word) {
    return std::ranges::find(wanted, word) != wanted.end();
  });
}

/// The threshold that a heading sets: "(>5% Impact)", "above 5 %", "at least 5 %".
struct Threshold {
  double percent = 0;
  bool is_strict = true;  ///< equal is too little
};

std::optional<Threshold> threshold_of(const std::string& title) {
  const std::string text = lower_case(title);
  struct Mark {
    std::string_view text;
    bool is_strict;
  };
  constexpr Mark kMarks[] = {{">=", false},        {"\xe2\x89\xa5", false}, {">", true},
                             {"at least ", false}, {"above ", true},        {"more than ", true},
                             {"over ", true}};
  for (const Mark& mark : kMarks) {
    const std::size_t at = text.find(mark.text);
    if (at == std::string::npos) continue;
    const std::size_t begin = text.find_first_not_of(" ~", at + mark.text.size());
    if (begin == std::string::npos || std::isdigit(static_cast<unsigned char>(text[begin])) == 0) {
      continue;
    }
    if (const auto value = first_percentage(std::string_view(text).substr(begin))) {
      return Threshold{value->low, mark.is_strict};
    }
  }
  return std::nullopt;
}

bool is_below(const Percentage& impact, const Threshold& threshold) {
  return threshold.is_strict ? impact.high <= threshold.percent : impact.high < threshold.percent;
}

void report_below(std::size_t line, const std::string& item, const Percentage& impact,
                  const Threshold& threshold, const std::string& section, LintFindings& findings) {
  const std::string range = impact.is_range() ? fmt::format("{:g}-{:g} %", impact.low, impact.high)
                                              : fmt::format("{:g} %", impact.low);
  findings.push_back(
      {line, "",
       fmt::format("\"{}\" has {}, and \"{}\" wants {} {:g} %: move the item or "
                   "change the threshold",
                   item, range, section, threshold.is_strict ? "more than" : "at least",
                   threshold.percent)});
}

bool is_inside(const MarkdownDocument& document, std::size_t section, std::size_t around) {
  for (auto parent = document.sections[section].parent; parent;
       parent = document.sections[*parent].parent) {
    if (*parent == around) return true;
  }
  return false;
}

/// An item of a section with a threshold: its own heading, or a line that states its impact.
void check_item(const DocumentSection& item, const Threshold& threshold, const std::string& around,
                LintFindings& findings) {
  if (const auto impact = first_percentage(item.title); impact && is_below(*impact, threshold)) {
    report_below(item.line, item.title, *impact, threshold, around, findings);
    return;
  }
  for (const TextLine& line : item.text) {
    const std::vector<std::string> words = words_of(line.text);
    const bool states_impact = words.size() > 1 && contains_any({words[0], words[1]}, {"impact"});
    const auto impact = first_percentage(line.text);
    if (states_impact && impact && is_below(*impact, threshold)) {
      report_below(line.line, item.title, *impact, threshold, around, findings);
    }
  }
}

/// The ranges of the columns of a table that state impacts.
std::vector<std::vector<Percentage>> impact_columns(const DocumentTable& table) {
  std::vector<std::vector<Percentage>> columns;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (!contains_any(words_of(table.columns[i]),
                      {"impact", "improvement", "gain", "saving", "potential", "speedup"})) {
      continue;
    }
    std::vector<Percentage>& column = columns.emplace_back();
    for (const TableRow& row : table.rows) {
      if (const auto value = first_percentage(row.cells[i])) column.push_back(*value);
    }
  }
  return columns;
}

double compounded(const std::vector<Percentage>& parts, double Percentage::* end) {
  double rest = 1;
  for (const Percentage& part : parts) rest *= 1 - std::min(part.*end, 100.0) / 100;
  return 100 * (1 - rest);
}

void check_total_of(const std::vector<Percentage>& parts, const TextLine& line,
                    LintFindings& findings) {
  const auto total = first_percentage(line.text);
  if (!total || parts.size() < 2) return;
  double low = 0, high = 0;
  for (const Percentage& part : parts) {
    low += part.low;
    high += part.high;
  }
  if (std::abs(low - total->low) > kEpsilon || std::abs(high - total->high) > kEpsilon) return;
  findings.push_back(
      {line.line, "",
       fmt::format(
           "{:g}-{:g} % is the sum of {} improvements; each works on what the others leave, "
           "so together they are {:.1f}-{:.1f} % at most",
           low, high, parts.size(), compounded(parts, &Percentage::low),
           compounded(parts, &Percentage::high))});
}

/// Whether the report holds any share that needs what the rule asks for.
bool has_shares(const LintInput& input) { return !input.threads.empty(); }

/// What is said to be unavailable is not missing.
bool says_unavailable(const std::string& text) {
  for (const char* words : {"unavailable", "unknown", "not counted", "not measured"}) {
    if (text.find(words) != std::string::npos) return true;
  }
  return false;
}

constexpr std::string_view kDurations[] = {"ns",      "us",     "\xc2\xb5s", "ms",
                                           "s",       "sec",    "secs",      "min",
                                           "seconds", "second", "minutes",   "hours"};
constexpr std::string_view kRates[] = {"ns",
                                       "us",
                                       "\xc2\xb5s",
                                       "ns/op",
                                       "us/op",
                                       "MB/s",
                                       "GB/s",
                                       "MiB/s",
                                       "GiB/s",
                                       "KB/s",
                                       "KiB/s",
                                       "ops/s",
                                       "IOPS",
                                       "iops",
                                       "op/s",
                                       "requests/s",
                                       "operations per second",
                                       "writes/s",
                                       "cycles"};

void report_missing(const LintInput& input, const std::string& message, LintFindings& findings) {
  findings.push_back({input.document.sections[input.threads.front().section].line, "", message});
}

template <class Predicate>
bool any_line(const LintInput& input, Predicate holds) {
  return std::ranges::any_of(input.document.lines,
                             [&](const TextLine& line) { return holds(line.text); });
}

/// "n = 1,278", "n=1278", "1,278 samples".
bool states_samples(const std::string& line) {
  const std::string text = lower_case(line);
  for (std::size_t at = text.find('n'); at != std::string::npos; at = text.find('n', at + 1)) {
    if (at > 0 && std::isalnum(static_cast<unsigned char>(text[at - 1])) != 0) continue;
    std::size_t next = text.find_first_not_of(' ', at + 1);
    if (next == std::string::npos || text[next] != '=') continue;
    next = text.find_first_not_of(' ', next + 1);
    if (next != std::string::npos && std::isdigit(static_cast<unsigned char>(text[next])) != 0) {
      return true;
    }
  }
  constexpr std::string_view kSamples[] = {"samples"};
  return has_quantity(text, kSamples);
}

}  // namespace

void check_thresholds(const LintInput& input, LintFindings& findings) {
  const auto& sections = input.document.sections;
  for (std::size_t i = 0; i < sections.size(); ++i) {
    const auto threshold = threshold_of(sections[i].title);
    if (!threshold) continue;
    for (std::size_t j = i + 1; j < sections.size() && is_inside(input.document, j, i); ++j) {
      check_item(sections[j], *threshold, sections[i].title, findings);
    }
  }
}

void check_stated_impacts(const LintInput& input, LintFindings& findings) {
  const auto lies_within = [](const Percentage& inner, const Percentage& outer) {
    return inner.low >= outer.low - kEpsilon && inner.high <= outer.high + kEpsilon;
  };
  for (const DocumentSection& section : input.document.sections) {
    const auto title = first_percentage(section.title);
    if (!title || !contains_any(words_of(section.title), {"potential", "impact", "gain", "saving"}))
      continue;
    for (const TextLine& line : section.text) {
      const std::vector<std::string> words = words_of(line.text);
      if (words.size() < 2 || !contains_any({words[0], words[1]}, {"impact"})) continue;
      const auto stated = first_percentage(line.text);
      if (!stated || lies_within(*title, *stated) || lies_within(*stated, *title)) continue;
      findings.push_back(
          {line.line, "",
           fmt::format("the impact is {:g}-{:g} % here and {:g}-{:g} % in the heading of line {}: "
                       "give one, and how it was derived",
                       stated->low, stated->high, title->low, title->high, section.line)});
    }
  }
}

void check_added_percentages(const LintInput& input, LintFindings& findings) {
  std::vector<std::vector<Percentage>> columns;
  for (const DocumentSection& section : input.document.sections) {
    for (const DocumentTable& table : section.tables) {
      for (auto& column : impact_columns(table)) columns.push_back(std::move(column));
    }
  }
  for (const TextLine& line : input.document.lines) {
    const std::vector<std::string> words = words_of(line.text);
    if (!contains_any(words, {"total", "together", "combined", "overall", "cumulative"})) continue;
    for (const auto& column : columns) check_total_of(column, line, findings);
  }
}

void check_points(const LintInput& input, LintFindings& findings) {
  for (const DocumentSection& section : input.document.sections) {
    for (const DocumentTable& table : section.tables) {
      for (const TableRow& row : table.rows) {
        for (std::size_t i = 2; i < row.cells.size(); ++i) {
          const auto change = first_percentage(row.cells[i]);
          const auto before = first_percentage(row.cells[i - 2]);
          const auto after = first_percentage(row.cells[i - 1]);
          if (!change || !change->is_signed || !before || !after) continue;
          if (std::abs(after->low - before->low - change->low) > change->precision + kEpsilon) {
            continue;
          }
          findings.push_back(
              {row.line, "",
               fmt::format("{:+g} % is the difference of two percentages: write percentage points "
                           "(pp), or the relative change of {:+.1f} %",
                           change->low,
                           before->low > 0 ? 100 * (after->low / before->low - 1) : 0)});
        }
      }
    }
  }
}

void check_sample_count(const LintInput& input, LintFindings& findings) {
  if (!has_shares(input) || any_line(input, states_samples)) return;
  report_missing(input,
                 "shares without the number of samples: without n nobody can tell a difference "
                 "from chance",
                 findings);
}

void check_duration(const LintInput& input, LintFindings& findings) {
  const auto states_duration = [](const std::string& line) {
    const bool is_about_time =
        line.find("duration") != std::string::npos || line.find("elapsed") != std::string::npos ||
        line.find("samples") != std::string::npos || line.find("round") != std::string::npos;
    return is_about_time && (has_quantity(line, kDurations) || says_unavailable(line));
  };
  if (!has_shares(input) || any_line(input, states_duration)) return;
  report_missing(input, "shares without a duration: say for how long was sampled", findings);
}

void check_absolute_figures(const LintInput& input, LintFindings& findings) {
  const auto states_figure = [](const std::string& line) {
    return has_quantity(line, kRates) || ((line.find("throughput") != std::string::npos ||
                                           line.find("cost") != std::string::npos) &&
                                          says_unavailable(line));
  };
  if (!has_shares(input) || any_line(input, states_figure)) return;
  report_missing(input,
                 "shares without any absolute figure: shares are zero-sum, so only a time, a rate "
                 "or a cost per operation can show that something became faster",
                 findings);
}

}  // namespace vfsprof::reports
