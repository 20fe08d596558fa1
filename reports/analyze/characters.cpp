#include "reports/analyze/characters.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "reports/analyze/character_widths.h"

namespace vfsprof::reports {
namespace {

// Controls (C1), the soft hyphen, marks of direction and their isolates, separators of lines, what
// is invisible, and what XML 1.0 refuses.
constexpr std::array<CharacterRange, 12> kHidden{{{0x80, 0x9f},
                                                  {0xad, 0xad},
                                                  {0x061c, 0x061c},
                                                  {0x200b, 0x200f},
                                                  {0x2028, 0x202e},
                                                  {0x2060, 0x206f},
                                                  {0xfeff, 0xfeff},
                                                  {0xfff9, 0xfffb},
                                                  {0xfffe, 0xffff},
                                                  {0x1fffe, 0x1ffff},
                                                  {0xe0000, 0xe0fff},
                                                  {0x10fffe, 0x10ffff}}};

bool is_among(std::span<const CharacterRange> ranges, char32_t c) {
  const auto found = std::ranges::upper_bound(ranges, c, {}, &CharacterRange::first);
  return found != ranges.begin() && c <= (found - 1)->last;
}

}  // namespace

std::optional<char32_t> take_character(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t length = lead < 0x80       ? 1
                             : lead >> 5 == 6  ? 2
                             : lead >> 4 == 14 ? 3
                             : lead >> 3 == 30 ? 4
                                               : 0;
  if (length == 0 || length > text.size()) return std::nullopt;
  char32_t value = length == 1 ? lead : lead & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if (next >> 6 != 2) return std::nullopt;
    value = value << 6 | (next & 0x3fU);
  }
  constexpr std::array<char32_t, 5> kSmallest{0, 0, 0x80, 0x800, 0x10000};
  if (value < kSmallest[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) {
    return std::nullopt;
  }
  text.remove_prefix(length);
  return value;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    if (!take_character(text)) return false;
  }
  return true;
}

void append_utf8(std::string& text, char32_t c) {
  if (c < 0x80) {
    text += static_cast<char>(c);
    return;
  }
  if (c < 0x800) {
    text += static_cast<char>(0xc0 | c >> 6);
  } else if (c < 0x10000) {
    text += static_cast<char>(0xe0 | c >> 12);
    text += static_cast<char>(0x80 | (c >> 6 & 0x3f));
  } else {
    text += static_cast<char>(0xf0 | c >> 18);
    text += static_cast<char>(0x80 | (c >> 12 & 0x3f));
    text += static_cast<char>(0x80 | (c >> 6 & 0x3f));
  }
  text += static_cast<char>(0x80 | (c & 0x3f));
}

std::string printable(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const char first = text.front();
    const auto c = take_character(text);
    if (!c) {
      result += fmt::format("\\x{:02X}", static_cast<unsigned char>(first));
      text.remove_prefix(1);
    } else if (*c < 0x20 || *c == 0x7f) {
      result += ' ';
    } else if (is_among(kHidden, *c)) {
      result += fmt::format("\\u{{{:04X}}}", static_cast<std::uint32_t>(*c));
    } else {
      append_utf8(result, *c);
    }
  }
  return result;
}

std::string shortened(std::string text, std::size_t characters) {
  if (text.size() <= characters) return text;
  std::string_view rest = text;
  std::size_t kept = 0;  // bytes of all but one of the characters that fit
  for (std::size_t count = 0; !rest.empty(); ++count) {
    if (count + 1 == characters) kept = text.size() - rest.size();
    if (count == characters) return text.substr(0, kept) + "…";
    if (!take_character(rest)) rest.remove_prefix(1);
  }
  return text;
}

std::size_t display_width(char32_t c) {
  if (c < 0x20 || c == 0x7f) return 0;
  if (c < 0x300) return 1;
  if (is_among(kZeroWidth, c)) return 0;
  return is_among(kWide, c) ? 2 : 1;
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const auto c = take_character(text);
    if (c) {
      width += display_width(*c);
    } else {
      text.remove_prefix(1);
      ++width;
    }
  }
  return width;
}

}  // namespace vfsprof::reports
