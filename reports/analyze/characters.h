#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace vfsprof::reports {

// Text from outside (names of threads, functions, files) may hold anything; here it is made fit to
// be printed.

/// Takes one character off the front of `text`, which is not empty; nothing if it begins with no
/// valid UTF-8, and then nothing is taken.
std::optional<char32_t> take_character(std::string_view& text);

bool is_utf8(std::string_view text);

/// Adds a character as UTF-8.
void append_utf8(std::string& text, char32_t c);

/// On one line, valid UTF-8, and without anything that a reader cannot see but that changes what he
/// sees: ASCII controls become blanks; other controls, marks of writing direction, separators of
/// lines and characters that XML refuses become `\u{202E}`, bytes that are no UTF-8 `\xFF`.
std::string printable(std::string_view text);

/// How much of a name reports show.
inline constexpr std::size_t kLongestName = 240;

/// At most so many characters, the last of them "…" where something was left out. `text` is UTF-8.
std::string shortened(std::string text, std::size_t characters = kLongestName);

/// Columns of a terminal: 0 for combining marks, 2 for wide characters (Unicode Standard Annex 11).
std::size_t display_width(char32_t c);
std::size_t display_width(std::string_view text);

}  // namespace vfsprof::reports
