#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vfsprof::reports {

/// Text from outside as plain Markdown text: nothing in it is markup, and it stays on one line.
std::string plain(std::string_view text);

/// A GitHub table. Cells are Markdown; what would end a cell or a row is escaped here.
class MarkdownTable {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string_view title;
    Align align = Align::kLeft;
  };

  explicit MarkdownTable(const std::vector<Column>& columns);
  /// As many cells as there are columns.
  void add(const std::vector<std::string>& cells);
  bool empty() const { return rows_ == 0; }
  std::string take() { return std::move(text_); }

 private:
  void add_row(const std::vector<std::string>& cells);

  std::size_t columns_;
  std::size_t rows_ = 0;
  std::string text_;
};

}  // namespace vfsprof::reports
