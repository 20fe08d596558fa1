#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace vfsprof::reports {

// Text with emphasis, laid out in columns of a terminal.

enum class TextStyle : char { kPlain, kBold, kCode, kDim, kGood, kBad, kHeading };

/// A line or cell: its characters, and the style of each.
struct StyledLine {
  std::u32string characters;
  std::vector<TextStyle> styles;

  void add(char32_t c, TextStyle style) {
    characters += c;
    styles.push_back(style);
  }
  void add(std::string_view text, TextStyle style);
  std::size_t width() const;
  /// In one style, except for what has another one than plain already.
  void restyle(TextStyle style);
};

/// Markdown within a line (emphasis, code, links, escapes, entities) as styled text. Controls are
/// left out, so that nothing reaches the terminal but what is meant to.
StyledLine inline_markdown(std::string_view text);

/// Lines of at most `width` columns, broken between words, within a word only where it is wider.
std::vector<StyledLine> wrap(const StyledLine& text, std::size_t width);

/// As bytes, with ANSI escapes or without.
std::string to_terminal(const StyledLine& line, bool color);

/// A table, its first row the titles.
struct TextTable {
  std::vector<std::vector<StyledLine>> rows;  ///< of equal length
  std::vector<bool> is_right_aligned;
};

/// In at most `width` columns: cells are wrapped; where even that does not fit, each row becomes a
/// paragraph that names its columns.
std::vector<StyledLine> layout(const TextTable& table, std::size_t width);

}  // namespace vfsprof::reports
