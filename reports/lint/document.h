#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vfsprof::reports {

/// A row of a Markdown table; cells without markup at their ends.
struct TableRow {
  std::size_t line = 0;
  std::vector<std::string> cells;  ///< as many as the table has columns
};

struct DocumentTable {
  std::vector<std::string> columns;
  std::vector<TableRow> rows;
};

/// A line of text outside of tables; of a code block too, where arrows show call stacks.
struct TextLine {
  std::size_t line = 0;
  std::string text;
  bool is_code = false;
};

/// A heading and what stands under it, up to the next heading.
struct DocumentSection {
  std::size_t line = 0;
  std::size_t level = 0;  ///< 1 for `#`; 0 for what stands before the first heading
  std::string title;
  std::optional<std::size_t> parent;  ///< index of the section around this one
  std::vector<DocumentTable> tables;
  std::vector<TextLine> text;
};

/// A Markdown report, as far as a check of its figures needs it.
struct MarkdownDocument {
  std::vector<DocumentSection> sections;
  std::vector<TextLine> lines;  ///< all of them, as they are
};

/// Headings, tables (with or without outer bars) and text; whatever is none of them is text.
MarkdownDocument parse_markdown(std::string_view text);

/// A percentage in text: "17.15 %", "~40%", "10-15 %", "-3.83%".
struct Percentage {
  double low = 0;
  double high = 0;       ///< equal to `low` unless it is a range
  double precision = 0;  ///< half a unit of the last digit
  bool is_signed = false;
  bool is_range() const { return low != high; }
};

std::vector<Percentage> percentages(std::string_view text);
std::optional<Percentage> first_percentage(std::string_view text);

/// Lower-case words of letters and digits, without a plural's s: "Page faults" is {page, fault}.
std::vector<std::string> words_of(std::string_view text);

/// Whether all of `some` are among `all`; false for none.
bool are_among(const std::vector<std::string>& some, const std::vector<std::string>& all);

/// Whether a number stands in it that one of these units follows.
bool has_quantity(std::string_view text, std::span<const std::string_view> units);

/// A cell that holds a number and nothing else but its unit: "8,650", "-0.13 pp [-0.71, +0.52]",
/// "12.5 %". Nothing for any other, such as a range.
std::optional<Percentage> cell_number(std::string_view cell);

/// Without the markup of code and emphasis.
std::string without_markup(std::string_view text);

std::string lower_case(std::string_view text);

}  // namespace vfsprof::reports
