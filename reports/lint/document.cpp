#include "reports/lint/document.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

namespace vfsprof::reports {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::size_t heading_level(std::string_view line) {
  const std::size_t level = std::min(line.find_first_not_of('#'), line.size());
  return level <= 6 && level < line.size() && line[level] == ' ' ? level : 0;
}

/// Cells between bars that are not escaped.
std::vector<std::string> split_row(std::string_view line) {
  line = trim(line);
  if (line.starts_with('|')) line.remove_prefix(1);
  if (line.ends_with('|') && !line.ends_with("\\|")) line.remove_suffix(1);
  std::vector<std::string> cells(1);
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '|' && (i == 0 || line[i - 1] != '\\')) {
      cells.emplace_back();
    } else {
      cells.back() += line[i];
    }
  }
  for (std::string& cell : cells) cell = trim(cell);
  return cells;
}

/// "| --- | ---: |"
bool is_delimiter(std::string_view line) {
  return line.find('-') != std::string_view::npos && line.find('|') != std::string_view::npos &&
         line.find_first_not_of("|-: \t\r") == std::string_view::npos;
}

class Parser {
 public:
  explicit Parser(MarkdownDocument& document) : document_(document) {
    document_.sections.emplace_back();
  }

  void read(std::size_t at) {
    const TextLine& line = document_.lines[at];
    if (trim(line.text).starts_with("```")) {
      in_code_ = !in_code_;
      in_table_ = false;
      return;
    }
    if (in_code_) {
      section().text.push_back({line.line, line.text, true});
    } else if (const std::size_t level = heading_level(line.text); level > 0) {
      open_section(line, level);
    } else if (at + 1 < document_.lines.size() && line.text.find('|') != std::string::npos &&
               is_delimiter(document_.lines[at + 1].text)) {
      section().tables.push_back({split_row(line.text), {}});
      in_table_ = true;
    } else if (in_table_ && line.text.find('|') != std::string::npos) {
      add_row(line);
    } else {
      in_table_ = false;
      if (!trim(line.text).empty()) section().text.push_back(line);
    }
  }

 private:
  DocumentSection& section() { return document_.sections.back(); }

  void open_section(const TextLine& line, std::size_t level) {
    in_table_ = false;
    DocumentSection opened{.line = line.line,
                           .level = level,
                           .title = std::string(trim(line.text.substr(level))),
                           .parent = std::nullopt,
                           .tables = {},
                           .text = {}};
    for (std::size_t i = document_.sections.size(); i-- > 0;) {
      if (document_.sections[i].level >= level) continue;
      opened.parent = i;
      break;
    }
    document_.sections.push_back(std::move(opened));
  }

  void add_row(const TextLine& line) {
    if (is_delimiter(line.text)) return;
    DocumentTable& table = section().tables.back();
    TableRow row{line.line, split_row(line.text)};
    row.cells.resize(table.columns.size());
    table.rows.push_back(std::move(row));
  }

  MarkdownDocument& document_;
  bool in_code_ = false;
  bool in_table_ = false;
};

/// A number at `at`, which is moved behind it.
std::optional<Percentage> read_number(std::string_view text, std::size_t& at) {
  const std::size_t begin = at;
  std::size_t end = at;
  while (end < text.size() &&
         (is_digit(text[end]) || text[end] == ',' ||
          (text[end] == '.' && end + 1 < text.size() && is_digit(text[end + 1])))) {
    ++end;
  }
  std::string digits(text.substr(begin, end - begin));
  std::erase(digits, ',');
  Percentage number;
  const auto [stop, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), number.low);
  if (error != std::errc() || stop != digits.data() + digits.size()) return std::nullopt;
  const std::size_t point = digits.find('.');
  const std::size_t decimals = point == std::string::npos ? 0 : digits.size() - point - 1;
  number.high = number.low;
  number.precision = 0.5 * std::pow(10.0, -static_cast<double>(decimals));
  at = end;
  return number;
}

std::size_t skip_blanks(std::string_view text, std::size_t at) {
  while (at < text.size() && text[at] == ' ') ++at;
  return at;
}

/// The length of a dash between the ends of a range at `at`; 0 for none.
std::size_t dash_length(std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(std::min(at, text.size()));
  if (rest.starts_with("\xe2\x80\x93") || rest.starts_with("\xe2\x80\x94")) return 3;
  return rest.starts_with('-') ? 1 : 0;
}

bool is_unit_at(std::string_view text, std::size_t at, std::string_view unit) {
  if (!text.substr(at).starts_with(unit)) return false;
  const std::size_t end = at + unit.size();
  return end == text.size() || std::isalnum(static_cast<unsigned char>(text[end])) == 0;
}

}  // namespace

MarkdownDocument parse_markdown(std::string_view text) {
  MarkdownDocument document;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    document.lines.push_back(
        {document.lines.size() + 1, std::string(text.substr(begin, end - begin)), false});
    begin = end + 1;
  }
  Parser parser(document);
  for (std::size_t i = 0; i < document.lines.size(); ++i) parser.read(i);
  return document;
}

std::vector<Percentage> percentages(std::string_view text) {
  std::vector<Percentage> result;
  for (std::size_t at = 0; at < text.size();) {
    const bool starts = is_digit(text[at]) &&
                        (at == 0 || (!std::isalnum(static_cast<unsigned char>(text[at - 1])) &&
                                     text[at - 1] != '.' && text[at - 1] != '_'));
    if (!starts) {
      ++at;
      continue;
    }
    const std::size_t begin = at;
    auto number = read_number(text, at);
    if (!number) {
      ++at;
      continue;
    }
    std::size_t behind = skip_blanks(text, at);
    if (behind < text.size() && text[behind] == '%') behind = skip_blanks(text, behind + 1);
    if (const std::size_t dash = dash_length(text, behind)) {
      std::size_t second = skip_blanks(text, behind + dash);
      if (second < text.size() && is_digit(text[second])) {
        const auto high = read_number(text, second);
        if (high && skip_blanks(text, second) < text.size() &&
            text[skip_blanks(text, second)] == '%') {
          number->high = high->low;
          at = second;
        }
      }
    }
    at = std::max(at, begin + 1);
    const std::size_t sign = skip_blanks(text, at);
    if (sign >= text.size() || text[sign] != '%') continue;
    if (begin > 0 && (text[begin - 1] == '-' || text[begin - 1] == '+')) {
      number->is_signed = true;
      if (text[begin - 1] == '-') number->low = number->high = -number->low;
    }
    at = sign + 1;
    result.push_back(*number);
  }
  return result;
}

std::optional<Percentage> first_percentage(std::string_view text) {
  const std::vector<Percentage> all = percentages(text);
  return all.empty() ? std::nullopt : std::optional(all.front());
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  const auto finish = [&] {
    if (word.size() > 3 && word.ends_with('s') && !word.ends_with("ss")) word.pop_back();
    if (!word.empty()) words.push_back(word);
    word.clear();
  };
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else {
      finish();
    }
  }
  finish();
  return words;
}

bool are_among(const std::vector<std::string>& some, const std::vector<std::string>& all) {
  return !some.empty() && std::ranges::all_of(some, [&](const std::string& word) {
    return std::ranges::find(all, word) != all.end();
  });
}

std::string without_markup(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c != '`' && c != '*' && c != '\\') result += c;
  }
  return std::string(trim(result));
}

bool has_quantity(std::string_view text, std::span<const std::string_view> units) {
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    if (std::isdigit(static_cast<unsigned char>(text[i])) == 0) continue;
    const std::size_t next = text[i + 1] == ' ' ? i + 2 : i + 1;
    for (const std::string_view unit : units) {
      if (is_unit_at(text, next, unit)) return true;
    }
  }
  return false;
}

std::optional<Percentage> cell_number(std::string_view cell) {
  std::string text = without_markup(cell);
  text.resize(std::min(text.find('['), text.size()));
  std::string_view rest = trim(text);
  const bool is_signed = rest.starts_with('-') || rest.starts_with('+');
  const bool is_negative = rest.starts_with('-');
  if (is_signed) rest.remove_prefix(1);
  std::size_t at = 0;
  if (rest.empty() || !is_digit(rest.front())) return std::nullopt;
  auto number = read_number(rest, at);
  const std::string_view unit = trim(rest.substr(at));
  if (!number || !(unit.empty() || unit == "%" || unit == "pp")) return std::nullopt;
  number->is_signed = is_signed;
  if (is_negative) number->low = number->high = -number->low;
  return number;
}

std::string lower_case(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return std::tolower(c); });
  return result;
}

}  // namespace vfsprof::reports
