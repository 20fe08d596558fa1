#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "reports/write/text_layout.h"
#include "reports/write/writers.h"

namespace vfsprof::reports {
namespace {

// A narrower window shows longer lines; a wider one is no easier to read.
constexpr std::size_t kNarrowest = 40;
constexpr std::size_t kWidestText = 110;
// Of a list or table that Markdown folds away.
constexpr std::size_t kFoldedLines = 8;

/// Verdicts, in the colour that they mean. Their words stay, so colour is no reader's only way.
TextStyle style_of_verdict(const std::u32string& text) {
  constexpr std::array<std::u32string_view, 3> kGood{U"improved", U"better", U"gone"};
  constexpr std::array<std::u32string_view, 4> kBad{U"regressed", U"worse", U"new", U"void"};
  const auto begins = [&](std::u32string_view word) {
    return text.starts_with(word) && (text.size() == word.size() || text[word.size()] == U',');
  };
  if (std::ranges::any_of(kGood, begins)) return TextStyle::kGood;
  return std::ranges::any_of(kBad, begins) ? TextStyle::kBad : TextStyle::kPlain;
}

/// The cells between the bars of a row that this program wrote.
std::vector<StyledLine> cells_of(std::string_view row) {
  std::vector<StyledLine> cells;
  std::string cell;
  for (std::size_t i = 1; i < row.size(); ++i) {
    if (row[i] == '|' && row[i - 1] != '\\') {
      const std::size_t first = std::min(cell.find_first_not_of(' '), cell.size());
      cell.erase(cell.find_last_not_of(' ') + 1);
      cells.push_back(inline_markdown(std::string_view(cell).substr(std::min(first, cell.size()))));
      cell.clear();
    } else {
      cell += row[i];
    }
  }
  return cells;
}

class TextReport {
 public:
  explicit TextReport(const RenderOptions& options)
      : width_(std::max(options.width, kNarrowest)), color_(options.color) {}

  std::string write(std::string_view markdown) {
    std::vector<std::string_view> lines;
    while (!markdown.empty()) {
      const std::size_t end = std::min(markdown.find('\n'), markdown.size());
      lines.push_back(markdown.substr(0, end));
      markdown.remove_prefix(std::min(end + 1, markdown.size()));
    }
    for (std::size_t i = 0; i < lines.size();) i = add(lines, i);
    while (text_.ends_with("\n\n")) text_.pop_back();
    return std::move(text_);
  }

 private:
  /// Adds what begins at line `i`; returns where it ends.
  std::size_t add(const std::vector<std::string_view>& lines, std::size_t i) {
    const std::string_view line = lines[i];
    if (line.starts_with("<details")) return add_folded(lines, i);
    if (line == "</details>") return end_folded(i);
    if (line.starts_with("```")) return add_code(lines, i);
    if (line.starts_with('|')) return add_table(lines, i);
    if (line.empty()) {
      if (!text_.ends_with("\n\n")) text_ += '\n';
    } else if (line.starts_with('#')) {
      add_heading(line);
    } else {
      add_paragraph(line);
    }
    return i + 1;
  }

  void add_line(const StyledLine& line) { text_ += to_terminal(line, color_) + "\n"; }

  void add_heading(std::string_view line) {
    const std::size_t level = std::min(line.find_first_not_of('#'), line.size());
    StyledLine title = inline_markdown(line.substr(std::min(level + 1, line.size())));
    title.restyle(TextStyle::kHeading);
    std::size_t widest = 0;
    for (const StyledLine& piece : wrap(title, width_)) {
      add_line(piece);
      widest = std::max(widest, piece.width());
    }
    if (level > 2) return;
    StyledLine rule;
    for (std::size_t i = 0; i < widest; ++i) rule.add(level == 1 ? U'=' : U'-', TextStyle::kDim);
    add_line(rule);
  }

  /// Also an item of a list, whose further lines are indented.
  void add_paragraph(std::string_view line) {
    const std::size_t indent = line.find_first_not_of(' ');
    const std::string_view text = line.substr(indent);
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const std::size_t mark = text.starts_with("- ")                                ? 2
                             : digits > 0 && text.substr(digits).starts_with(". ") ? digits + 2
                                                                                   : 0;
    const std::size_t hang = std::min(indent + mark, kNarrowest / 2);
    const StyledLine body = inline_markdown(text.substr(mark));
    bool is_first = true;
    for (const StyledLine& piece : wrap(body, std::min(width_, kWidestText) - hang)) {
      text_ += std::string(is_first ? indent : hang, ' ');
      if (is_first) text_ += text.substr(0, mark);
      add_line(piece);
      is_first = false;
    }
  }

  /// What Markdown folds away is shown under its title, with its long lists cut short.
  std::size_t add_folded(const std::vector<std::string_view>& lines, std::size_t i) {
    ++folds_;
    const std::string_view line = lines[i];
    const std::size_t begin = line.find("<summary>"), end = line.find("</summary>");
    if (begin == std::string_view::npos || end == std::string_view::npos) return i + 1;
    StyledLine title;
    title.add("▾ ", TextStyle::kDim);
    StyledLine words = inline_markdown(line.substr(begin + 9, end - begin - 9));
    words.restyle(TextStyle::kBold);
    for (std::size_t c = 0; c < words.characters.size(); ++c) {
      title.add(words.characters[c], words.styles[c]);
    }
    for (const StyledLine& piece : wrap(title, width_)) add_line(piece);
    return i + 1;
  }

  std::size_t end_folded(std::size_t i) {
    folds_ -= folds_ > 0 ? 1 : 0;
    return i + 1;
  }

  /// How many lines or rows of `all` are shown, and that there are more.
  std::size_t shown(std::size_t all) const {
    return folds_ > 0 && all > kFoldedLines ? kFoldedLines : all;
  }

  void add_rest(std::size_t rest) {
    if (rest == 0) return;
    StyledLine line;
    line.add("  ... " + std::to_string(rest) + " more in the Markdown report", TextStyle::kDim);
    add_line(line);
  }

  std::size_t add_code(const std::vector<std::string_view>& lines, std::size_t i) {
    std::size_t end = ++i;
    while (end < lines.size() && !lines[end].starts_with("```")) ++end;
    const std::size_t count = shown(end - i);
    for (std::size_t line = i; line < i + count; ++line) add_code_line(lines[line]);
    add_rest(end - i - count);
    return end + 1;
  }

  /// A folded stack ("role;outermost;...;innermost 12.5 %") is turned round: its share, its role,
  /// and the innermost frame first.
  void add_code_line(std::string_view text) {
    constexpr std::string_view kPercent = " %";
    constexpr std::size_t kIndent = 4;
    StyledLine body;
    const std::size_t role = text.find(';');
    const std::size_t share =
        text.substr(0, text.size() - std::min(text.size(), kPercent.size())).rfind(' ');
    if (text.ends_with(kPercent) && role < share && share != std::string_view::npos) {
      add_printable(body, text.substr(share + 1), TextStyle::kBold);
      add_printable(body, " ", TextStyle::kPlain);
      add_printable(body, text.substr(0, role), TextStyle::kCode);
      std::string_view frames = text.substr(role, share - role);
      for (const char* between = ": "; !frames.empty(); between = " < ") {
        const std::size_t last = frames.rfind(';');
        body.add(between, TextStyle::kDim);
        add_printable(body, frames.substr(last + 1), TextStyle::kPlain);
        frames = frames.substr(0, last);
      }
    } else {
      add_printable(body, text, TextStyle::kCode);
    }
    bool is_first = true;
    for (const StyledLine& piece : wrap(body, std::min(width_, kWidestText) - kIndent)) {
      text_ += std::string(is_first ? kIndent / 2 : kIndent, ' ');
      add_line(piece);
      is_first = false;
    }
  }

  /// Everything but controls.
  static void add_printable(StyledLine& line, std::string_view text, TextStyle style) {
    StyledLine all;
    all.add(text, style);
    for (const char32_t c : all.characters) {
      if (c >= 0x20 && (c < 0x7f || c >= 0xa0)) line.add(c, style);
    }
  }

  std::size_t add_table(const std::vector<std::string_view>& lines, std::size_t i) {
    TextTable table;
    std::size_t end = i;
    while (end < lines.size() && lines[end].starts_with('|')) ++end;
    const std::size_t rows = end - i - std::min<std::size_t>(2, end - i);  // but titles and marks
    const std::size_t last = end - (rows - shown(rows));
    for (std::size_t row = 0; i < last; ++i, ++row) {
      std::vector<StyledLine> cells = cells_of(lines[i]);
      if (row == 1) {
        for (const StyledLine& cell : cells) {
          table.is_right_aligned.push_back(cell.characters.ends_with(U':'));
        }
        continue;
      }
      if (!table.rows.empty()) cells.resize(table.rows.front().size());
      table.rows.push_back(std::move(cells));
    }
    table.is_right_aligned.resize(table.rows.front().size());
    for (std::size_t row = 1; row < table.rows.size(); ++row) {
      for (std::size_t column = 0; column < table.rows[row].size(); ++column) {
        if (table.rows[0][column].characters != U"Verdict") continue;
        StyledLine& cell = table.rows[row][column];
        cell.restyle(style_of_verdict(cell.characters));
      }
    }
    for (const StyledLine& line : layout(table, width_)) add_line(line);
    add_rest(end - last);
    return end;
  }

  std::size_t width_;
  bool color_;
  std::size_t folds_ = 0;  ///< folded parts that the line is in
  std::string text_;
};

}  // namespace

std::string write_text(const Rendering& rendering) {
  return TextReport(rendering.options).write(write_markdown(rendering));
}

}  // namespace vfsprof::reports
