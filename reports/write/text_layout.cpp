#include "reports/write/text_layout.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "reports/analyze/characters.h"

namespace vfsprof::reports {
namespace {

// Longer words may be broken, so that one name cannot spread a table beyond the screen.
constexpr std::size_t kLongestWord = 24;
constexpr std::size_t kLongestNumber = 14;
constexpr std::size_t kGap = 2;

std::string_view escape_of(TextStyle style) {
  switch (style) {
    case TextStyle::kBold:
      return "\033[1m";
    case TextStyle::kCode:
      return "\033[36m";
    case TextStyle::kDim:
      return "\033[2m";
    case TextStyle::kGood:
      return "\033[32m";
    case TextStyle::kBad:
      return "\033[31m";
    case TextStyle::kHeading:
      return "\033[1;34m";
    case TextStyle::kPlain:
      break;
  }
  return "";
}

/// Markdown within a line, read once from left to right.
class InlineReader {
 public:
  explicit InlineReader(std::string_view text) : rest_(text) {}

  StyledLine read() {
    while (!rest_.empty()) step();
    return std::move(line_);
  }

 private:
  void step() {
    if (rest_.front() == '\\' && rest_.size() > 1 && is_mark(rest_[1])) {
      line_.add(static_cast<char32_t>(rest_[1]), style());
      rest_.remove_prefix(2);
    } else if (rest_.front() == '`') {
      read_code();
    } else if (rest_.starts_with("**")) {
      is_bold_ = !is_bold_;
      rest_.remove_prefix(2);
    } else if (rest_.front() == '*') {
      is_italic_ = !is_italic_;
      rest_.remove_prefix(1);
    } else if (!read_entity() && !read_link()) {
      read_character(style());
    }
  }

  static bool is_mark(char c) { return std::string_view("\\`*_[]#~|<>&!()-+.").contains(c); }

  TextStyle style() const {
    if (is_bold_) return TextStyle::kBold;
    return is_italic_ ? TextStyle::kDim : TextStyle::kPlain;
  }

  void read_character(TextStyle style) {
    const auto c = take_character(rest_);
    if (!c) {
      line_.add(U'\xfffd', style);
      rest_.remove_prefix(1);
    } else if (*c >= 0x20 && *c != 0x7f && (*c < 0x80 || *c >= 0xa0)) {
      line_.add(*c, style);
    }
  }

  void read_code() {
    const std::size_t end = rest_.find('`', 1);
    if (end == std::string_view::npos) {
      read_character(style());
      return;
    }
    const std::string_view after = rest_.substr(end + 1);
    rest_ = rest_.substr(1, end - 1);
    while (!rest_.empty()) {
      if (rest_.starts_with("\\|")) rest_.remove_prefix(1);
      read_character(TextStyle::kCode);
    }
    rest_ = after;
  }

  bool read_entity() {
    struct Entity {
      std::string_view text;
      char32_t c;
    };
    constexpr Entity kEntities[] = {{"&lt;", U'<'},   {"&gt;", U'>'},   {"&amp;", U'&'},
                                    {"&quot;", U'"'}, {"&nbsp;", U' '}, {"<br>", U' '}};
    for (const Entity& entity : kEntities) {
      if (!rest_.starts_with(entity.text)) continue;
      line_.add(entity.c, style());
      rest_.remove_prefix(entity.text.size());
      return true;
    }
    return false;
  }

  /// "[title](target)" becomes "title (target)".
  bool read_link() {
    if (rest_.front() != '[') return false;
    const std::size_t middle = rest_.find("](");
    const std::size_t end = middle == std::string_view::npos ? middle : rest_.find(')', middle);
    if (end == std::string_view::npos) return false;
    line_.add(rest_.substr(1, middle - 1), style());
    line_.add(" (", style());
    line_.add(rest_.substr(middle + 2, end - middle - 2), TextStyle::kCode);
    line_.add(")", style());
    rest_.remove_prefix(end + 1);
    return true;
  }

  std::string_view rest_;
  StyledLine line_;
  bool is_bold_ = false;
  bool is_italic_ = false;
};

StyledLine part(const StyledLine& text, std::size_t begin, std::size_t end) {
  StyledLine result;
  for (std::size_t i = begin; i < end; ++i) result.add(text.characters[i], text.styles[i]);
  return result;
}

void append(StyledLine& line, const StyledLine& more) {
  for (std::size_t i = 0; i < more.characters.size(); ++i) {
    line.add(more.characters[i], more.styles[i]);
  }
}

void pad(StyledLine& line, std::size_t columns) {
  for (std::size_t i = 0; i < columns; ++i) line.add(U' ', TextStyle::kPlain);
}

std::size_t widest_word(const StyledLine& text) {
  std::size_t widest = 1, word = 0;
  for (const char32_t c : text.characters) {
    word = c == U' ' ? 0 : word + display_width(c);
    widest = std::max(widest, word);
  }
  return std::min(widest, kLongestWord);
}

/// Widths of columns that fit; nothing where even the narrowest do not.
std::optional<std::vector<std::size_t>> column_widths(const TextTable& table, std::size_t width) {
  const std::size_t columns = table.is_right_aligned.size();
  std::vector<std::size_t> widths(columns, 1), wanted(columns, 1);
  for (std::size_t i = 0; i < columns; ++i) {
    for (const auto& row : table.rows) {
      // A number stays with its unit; titles and intervals may be broken.
      const std::size_t all = row[i].width();
      const bool is_whole =
          table.is_right_aligned[i] && &row != &table.rows.front() && all <= kLongestNumber;
      widths[i] = std::max(widths[i], is_whole ? all : widest_word(row[i]));
      wanted[i] = std::max(wanted[i], all);
    }
  }
  std::size_t sum = std::accumulate(widths.begin(), widths.end(), kGap * (columns - 1));
  if (sum > width) return std::nullopt;
  while (sum < width) {
    std::size_t neediest = columns;
    for (std::size_t i = 0; i < columns; ++i) {
      if (widths[i] < wanted[i] &&
          (neediest == columns || wanted[i] - widths[i] > wanted[neediest] - widths[neediest])) {
        neediest = i;
      }
    }
    if (neediest == columns) break;
    ++widths[neediest];
    ++sum;
  }
  return widths;
}

std::vector<StyledLine> layout_row(const std::vector<StyledLine>& row, const TextTable& table,
                                   const std::vector<std::size_t>& widths) {
  std::vector<std::vector<StyledLine>> cells;
  std::size_t height = 1;
  for (std::size_t i = 0; i < row.size(); ++i) {
    cells.push_back(wrap(row[i], widths[i]));
    height = std::max(height, cells.back().size());
  }
  std::vector<StyledLine> lines(height);
  for (std::size_t y = 0; y < height; ++y) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const StyledLine cell = y < cells[i].size() ? cells[i][y] : StyledLine{};
      const std::size_t room = widths[i] - std::min(widths[i], cell.width());
      if (i > 0) pad(lines[y], kGap);
      if (table.is_right_aligned[i]) pad(lines[y], room);
      append(lines[y], cell);
      if (!table.is_right_aligned[i] && i + 1 < row.size()) pad(lines[y], room);
    }
  }
  return lines;
}

/// A row as a paragraph: its leading texts as a title, then "title value, title value".
std::vector<StyledLine> as_paragraph(const std::vector<StyledLine>& row, const TextTable& table,
                                     std::size_t width) {
  constexpr std::size_t kIndent = 2;
  StyledLine title, body;
  std::size_t i = 0;
  for (; i < row.size() && !table.is_right_aligned[i]; ++i) {
    if (!title.characters.empty() && !row[i].characters.empty()) {
      title.add(": ", TextStyle::kPlain);
    }
    append(title, row[i]);
  }
  for (; i < row.size(); ++i) {
    if (row[i].characters.empty()) continue;
    if (!body.characters.empty()) body.add(" · ", TextStyle::kDim);
    StyledLine name = table.rows[0][i];
    name.restyle(TextStyle::kDim);
    append(body, name);
    body.add(" ", TextStyle::kPlain);
    append(body, row[i]);
  }
  std::vector<StyledLine> lines = wrap(title, width);
  if (body.characters.empty()) return lines;
  for (const StyledLine& piece : wrap(body, width - kIndent)) {
    StyledLine indented;
    pad(indented, kIndent);
    append(indented, piece);
    lines.push_back(std::move(indented));
  }
  return lines;
}

}  // namespace

void StyledLine::add(std::string_view text, TextStyle style) {
  while (!text.empty()) {
    const auto c = take_character(text);
    if (!c) {
      text.remove_prefix(1);
    } else {
      add(*c, style);
    }
  }
}

std::size_t StyledLine::width() const {
  std::size_t sum = 0;
  for (const char32_t c : characters) sum += display_width(c);
  return sum;
}

void StyledLine::restyle(TextStyle style) {
  std::ranges::replace(styles, TextStyle::kPlain, style);
}

StyledLine inline_markdown(std::string_view text) { return InlineReader(text).read(); }

std::vector<StyledLine> wrap(const StyledLine& text, std::size_t width) {
  std::vector<StyledLine> lines;
  const std::u32string& all = text.characters;
  for (std::size_t begin = 0; begin < all.size();) {
    std::size_t end = begin, used = 0, last_blank = 0;
    while (end < all.size() && (used + display_width(all[end]) <= width || end == begin)) {
      if (all[end] == U' ' && end > begin) last_blank = end;
      used += display_width(all[end++]);
    }
    if (end < all.size() && all[end] != U' ' && last_blank > begin) end = last_blank;
    lines.push_back(part(text, begin, end));
    while (!lines.back().characters.empty() && lines.back().characters.back() == U' ') {
      lines.back().characters.pop_back();
      lines.back().styles.pop_back();
    }
    begin = end;
    while (begin < all.size() && all[begin] == U' ') ++begin;
  }
  if (lines.empty()) lines.emplace_back();
  return lines;
}

std::string to_terminal(const StyledLine& line, bool color) {
  std::string text;
  TextStyle now = TextStyle::kPlain;
  for (std::size_t i = 0; i < line.characters.size(); ++i) {
    if (color && line.styles[i] != now) {
      if (now != TextStyle::kPlain) text += "\033[0m";
      now = line.styles[i];
      text += escape_of(now);
    }
    append_utf8(text, line.characters[i]);
  }
  if (now != TextStyle::kPlain) text += "\033[0m";
  return text;
}

std::vector<StyledLine> layout(const TextTable& table, std::size_t width) {
  const auto widths = column_widths(table, width);
  std::vector<StyledLine> lines;
  if (!widths) {
    for (std::size_t y = 1; y < table.rows.size(); ++y) {
      for (StyledLine& line : as_paragraph(table.rows[y], table, width)) {
        lines.push_back(std::move(line));
      }
    }
    return lines;
  }
  for (std::size_t y = 0; y < table.rows.size(); ++y) {
    for (StyledLine& line : layout_row(table.rows[y], table, *widths)) {
      if (y == 0) line.restyle(TextStyle::kDim);
      lines.push_back(std::move(line));
    }
  }
  return lines;
}

}  // namespace vfsprof::reports
