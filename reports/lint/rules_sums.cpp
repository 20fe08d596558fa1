#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "reports/lint/rules.h"

namespace vfsprof::reports {
namespace {

/// Half units of figures that were rounded may add up, and binary fractions need a little more.
constexpr double kEpsilon = 1e-6;

bool agree(const Percentage& a, const Percentage& b) {
  return std::abs(a.low - b.low) <= a.precision + b.precision + kEpsilon;
}

void add_to(Percentage& sum, const Percentage& part) {
  sum.low += part.low;
  sum.high += part.high;
  sum.precision += part.precision;
}

/// Threads of one part of the document, such as one of two variants.
std::map<std::size_t, std::vector<const ThreadSection*>> by_parent(const LintInput& input) {
  std::map<std::size_t, std::vector<const ThreadSection*>> groups;
  for (const ThreadSection& thread : input.threads) {
    groups[input.document.sections[thread.section].parent.value_or(0)].push_back(&thread);
  }
  return groups;
}

/// "Other kinds of threads: 3, with 1.20 % together": what has no section of its own.
std::optional<Percentage> share_of_others(const MarkdownDocument& document, std::size_t parent,
                                          std::size_t last) {
  for (const std::size_t index : {parent, last}) {
    for (const TextLine& line : document.sections[index].text) {
      const std::vector<std::string> words = words_of(line.text);
      if (!words.empty() && (words.front() == "other" || words.front() == "remaining")) {
        if (const auto share = first_percentage(line.text)) return share;
      }
    }
  }
  return std::nullopt;
}

struct Value {
  Percentage figure;
  std::size_t line = 0;
};

/// What a thread's rows say of a category: each row that the words fit, and their sum.
std::vector<Value> values_of(const ThreadSection& thread, const std::vector<std::string>& words) {
  std::vector<Value> values;
  Percentage sum;
  for (const ThreadSection::Row& row : thread.rows) {
    if (!are_among(words, words_of(row.label))) continue;
    values.push_back({row.value, row.line});
    add_to(sum, row.value);
  }
  if (values.size() > 1) values.push_back({sum, values.front().line});
  return values;
}

bool is_named(std::string_view text, const std::string& name) {
  return text.find(name) != std::string_view::npos;
}

std::vector<std::string> without(const std::vector<std::string>& words,
                                 const std::vector<std::string>& removed) {
  std::vector<std::string> rest;
  for (const std::string& word : words) {
    if (std::ranges::find(removed, word) == removed.end()) rest.push_back(word);
  }
  return rest;
}

/// A figure given outside of a thread's own section: of which thread and category, which values.
struct Claim {
  std::size_t line = 0;
  std::string label;
  std::vector<std::string> words;
  std::vector<Percentage> values;  ///< one of them must agree, as a row may hold before and after
};

void check_claim(const LintInput& input, const std::string& thread_name, const Claim& claim,
                 LintFindings& findings) {
  std::vector<Value> known;
  for (const ThreadSection& thread : input.threads) {
    if (thread.name != thread_name) continue;
    const std::vector<Value> values = values_of(thread, claim.words);
    known.insert(known.end(), values.begin(), values.end());
  }
  if (known.empty() || claim.values.empty()) return;
  for (const Percentage& value : claim.values) {
    if (std::ranges::any_of(known, [&](const Value& v) { return agree(v.figure, value); })) return;
  }
  findings.push_back(
      {claim.line, "",
       fmt::format("{}: {:g} % here, {:g} % in line {}; say which is right", claim.label,
                   claim.values.back().low, known.front().figure.low, known.front().line)});
}

bool is_thread_table(const LintInput& input, std::size_t section) {
  return std::ranges::any_of(input.threads,
                             [&](const ThreadSection& t) { return t.section == section; });
}

/// Names of threads in a text, each once.
std::vector<std::string> threads_in(const LintInput& input, std::string_view text) {
  std::vector<std::string> names;
  for (const ThreadSection& thread : input.threads) {
    if (is_named(text, thread.name) && std::ranges::find(names, thread.name) == names.end()) {
      names.push_back(thread.name);
    }
  }
  return names;
}

/// A row of a table elsewhere: the thread in its first cell, the category there or in the second.
void check_table_row(const LintInput& input, const TableRow& row, LintFindings& findings) {
  if (row.cells.size() < 2) return;
  const std::vector<std::string> names = threads_in(input, row.cells.front());
  if (names.size() != 1) return;
  Claim claim{.line = row.line, .label = without_markup(row.cells[0]), .words = {}, .values = {}};
  claim.words = without(words_of(row.cells[0]), words_of(names.front()));
  if (claim.words.empty()) {
    claim.words = words_of(row.cells[1]);
    claim.label += " " + without_markup(row.cells[1]);
  }
  for (std::size_t i = 1; i < row.cells.size(); ++i) {
    for (const Percentage& value : percentages(row.cells[i])) {
      if (!value.is_signed && !value.is_range()) claim.values.push_back(value);
    }
  }
  check_claim(input, names.front(), claim, findings);
}

/// "15.55% in `futex_wake` from a-thread": one figure, one thread, a function in code marks.
void check_sentence(const LintInput& input, const TextLine& line, LintFindings& findings) {
  if (line.is_code) return;
  const std::vector<Percentage> values = percentages(line.text);
  const std::vector<std::string> names = threads_in(input, line.text);
  if (values.size() != 1 || names.size() != 1 || values[0].is_range() || values[0].is_signed) {
    return;
  }
  for (std::size_t begin = line.text.find('`'); begin != std::string::npos;) {
    const std::size_t end = line.text.find('`', begin + 1);
    if (end == std::string::npos) return;
    const std::string code = line.text.substr(begin + 1, end - begin - 1);
    if (code != names.front()) {
      check_claim(input, names.front(),
                  {line.line, names.front() + " " + code, words_of(code), values}, findings);
    }
    begin = line.text.find('`', end + 1);
  }
}

/// Frames of "a -> b -> c".
std::vector<std::string> frames_of(std::string_view text) {
  std::vector<std::string> frames;
  for (std::size_t at = text.find("->"); at != std::string_view::npos; at = text.find("->")) {
    frames.push_back(without_markup(text.substr(0, at)));
    text.remove_prefix(at + 2);
  }
  if (!frames.empty()) frames.push_back(without_markup(text));
  return frames;
}

void check_stack(const LintInput& input, const TextLine& line, LintFindings& findings) {
  const std::vector<std::string> frames = frames_of(line.text);
  if (frames.size() < 3) return;
  const std::vector<std::string> names = threads_in(input, line.text);
  for (const ThreadSection& thread : input.threads) {
    // A stack that names its thread is no other's.
    if (!names.empty() && std::ranges::find(names, thread.name) == names.end()) continue;
    std::vector<const ThreadSection::Row*> rows;
    for (const std::string& frame : frames) {
      for (const ThreadSection::Row& row : thread.rows) {
        const bool fits = are_among(words_of(frame), words_of(row.label));
        if (fits && std::ranges::find(rows, &row) == rows.end()) rows.push_back(&row);
      }
    }
    if (rows.size() < 2) continue;
    findings.push_back(
        {line.line, "",
         fmt::format(
             "this stack passes through two rows of {}, \"{}\" (line {}) and \"{}\" (line "
             "{}): samples of one are counted in the other, or the rows are not of one kind",
             thread.name, rows[0]->label, rows[0]->line, rows[1]->label, rows[1]->line)});
  }
}

}  // namespace

void check_row_sums(const LintInput& input, LintFindings& findings) {
  for (const ThreadSection& thread : input.threads) {
    Percentage sum;
    for (const ThreadSection::Row& row : thread.rows) add_to(sum, row.value);
    if (agree(sum, thread.share)) continue;
    findings.push_back(
        {input.document.sections[thread.section].line, "",
         fmt::format("the rows of {} add up to {:.2f} %, not {:g} %: name what the other {:.2f} "
                     "points are, if only as \"unclassified\"",
                     thread.name, sum.low, thread.share.low, thread.share.low - sum.low)});
  }
}

void check_thread_sums(const LintInput& input, LintFindings& findings) {
  for (const auto& [parent, threads] : by_parent(input)) {
    Percentage sum;
    for (const ThreadSection* thread : threads) add_to(sum, thread->share);
    if (const auto others = share_of_others(input.document, parent, threads.back()->section)) {
      add_to(sum, *others);
    }
    if (agree(sum, {.low = 100, .high = 100})) continue;
    findings.push_back({input.document.sections[threads.front()->section].line, "",
                        fmt::format("the shares of {} threads add up to {:.2f} %, not 100 %: a "
                                    "reader cannot know what the rest is",
                                    threads.size(), sum.low)});
  }
}

void check_disagreement(const LintInput& input, LintFindings& findings) {
  for (std::size_t i = 0; i < input.document.sections.size(); ++i) {
    const DocumentSection& section = input.document.sections[i];
    for (const TextLine& line : section.text) check_sentence(input, line, findings);
    if (is_thread_table(input, i)) continue;
    for (const DocumentTable& table : section.tables) {
      for (const TableRow& row : table.rows) check_table_row(input, row, findings);
    }
  }
}

void check_totals(const LintInput& input, LintFindings& findings) {
  for (const DocumentSection& section : input.document.sections) {
    for (const DocumentTable& table : section.tables) {
      for (const TableRow& row : table.rows) {
        std::vector<std::string> words = words_of(row.cells.empty() ? "" : row.cells.front());
        if (words.size() < 2 || words.front() != "total") continue;
        words = without(words, {"total", "overhead", "share", "time"});
        Percentage sum;
        for (const ThreadSection& thread : input.threads) {
          for (const ThreadSection::Row& each : thread.rows) {
            if (are_among(words, words_of(each.label))) add_to(sum, each.value);
          }
        }
        std::vector<Percentage> values;
        for (const std::string& cell : row.cells) {
          const auto value = first_percentage(cell);
          if (value && !value->is_signed && !value->is_range()) values.push_back(*value);
        }
        const auto fits = [&](const Percentage& value) { return agree(sum, value); };
        if (sum.low == 0 || values.empty() || std::ranges::any_of(values, fits)) continue;
        findings.push_back(
            {row.line, "",
             fmt::format("{}: {:g} % here, but the rows of the threads add up to "
                         "{:.2f} %",
                         without_markup(row.cells.front()), values.back().low, sum.low)});
      }
    }
  }
}

void check_inclusive_rows(const LintInput& input, LintFindings& findings) {
  for (const DocumentSection& section : input.document.sections) {
    for (const TextLine& line : section.text) check_stack(input, line, findings);
  }
}

}  // namespace vfsprof::reports
