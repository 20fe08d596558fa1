#include <gtest/gtest.h>
#include <wchar.h>

#include <clocale>
#include <string>

#include "reports/analyze/characters.h"
#include "reports/analyze/text.h"

namespace vfsprof::reports {
namespace {

TEST(Characters, WhatCannotBeSeenIsSpeltOut) {
  EXPECT_EQ(printable("plain µs 漢字"), "plain µs 漢字");
  EXPECT_EQ(printable("a\nb\tc\x7f"), "a b c ");
  EXPECT_EQ(printable("\xff\xc3("), "\\xFF\\xC3(");
  EXPECT_EQ(printable("\xe2\x80\xae!"), "\\u{202E}!");
  EXPECT_EQ(printable("\xc2\x9b"), "\\u{009B}");
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xED\\xA0\\x80");  // a surrogate is no character
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xF4\\x90\\x80\\x80");
  EXPECT_EQ(printable("\xc0\xaf"), "\\xC0\\xAF");  // longer than it need be
}

TEST(Characters, LongNamesAreCutBetweenCharacters) {
  EXPECT_EQ(shortened("abc", 3), "abc");
  EXPECT_EQ(shortened("abcd", 3), "ab…");
  EXPECT_EQ(shortened("漢字漢字", 4), "漢字漢字");
  EXPECT_EQ(shortened("漢字漢字", 3), "漢字…");
  EXPECT_EQ(code(std::string(10'000, 'x')).size(), 2 + (kLongestName - 1) + 3);
  EXPECT_EQ(code(""), "`(no name)`");
}

TEST(Characters, WidthsAreThoseOfTheCLibrary) {
  const char* const previous = std::setlocale(LC_CTYPE, "C.UTF-8");
  if (previous == nullptr) GTEST_SKIP() << "there is no locale C.UTF-8";
  int different = 0, compared = 0;
  for (char32_t c = 0x20; c < 0x20000; ++c) {
    if (c >= 0xd800 && c <= 0xdfff) continue;
    const int known = ::wcwidth(static_cast<wchar_t>(c));
    if (known < 0) continue;  // a control, or not assigned
    ++compared;
    different += static_cast<std::size_t>(known) != display_width(c) ? 1 : 0;
  }
  std::setlocale(LC_CTYPE, "C");
  EXPECT_GT(compared, 60'000);
  // Versions of Unicode differ in a few.
  EXPECT_LT(different, compared / 200);
  EXPECT_EQ(display_width("e\xcc\x81 漢"), 4U);
}

}  // namespace
}  // namespace vfsprof::reports
