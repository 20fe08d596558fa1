#include "reports/write/markdown_table.h"

#include <cctype>

#include "reports/analyze/characters.h"
#include "vfs/base/check.h"

namespace vfsprof::reports {

namespace {

// A message, a description; names are far shorter.
constexpr std::size_t kLongestText = 1000;

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

/// An underscore within a word is no markup.
bool is_within_word(std::string_view text, std::size_t at) {
  return at > 0 && at + 1 < text.size() && is_word(text[at - 1]) && is_word(text[at + 1]);
}

}  // namespace

std::string plain(std::string_view from_outside) {
  const std::string text = shortened(printable(from_outside), kLongestText);
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '<') {
      result += "&lt;";
    } else if (c == '>') {
      result += "&gt;";
    } else if (c == '&') {
      result += "&amp;";
    } else {
      const bool is_markup = std::string_view("\\`*_[]#~").contains(c);
      if (is_markup && !(c == '_' && is_within_word(text, i))) result += '\\';
      result += c;
    }
  }
  return result;
}

MarkdownTable::MarkdownTable(const std::vector<Column>& columns) : columns_(columns.size()) {
  std::vector<std::string> titles, rules;
  for (const Column& column : columns) {
    titles.emplace_back(column.title);
    rules.emplace_back(column.align == Align::kRight ? "---:" : "---");
  }
  add_row(titles);
  add_row(rules);
}

void MarkdownTable::add(const std::vector<std::string>& cells) {
  VFSPROF_CHECK(cells.size() == columns_);
  add_row(cells);
  ++rows_;
}

void MarkdownTable::add_row(const std::vector<std::string>& cells) {
  text_ += '|';
  for (const std::string& cell : cells) {
    text_ += ' ';
    for (const char c : cell) {
      if (c == '|') text_ += '\\';
      text_ += c == '\n' ? ' ' : c;
    }
    text_ += " |";
  }
  text_ += '\n';
}

}  // namespace vfsprof::reports
