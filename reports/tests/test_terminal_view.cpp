// The terminal view: widths, columns, colour.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "reports/analyze/characters.h"
#include "reports/tests/hostile.h"
#include "reports/tests/rendered.h"
#include "reports/tests/synthetic.h"

namespace vfsprof::reports {
namespace {

using ::testing::HasSubstr;

TEST(TerminalView, FitsTheWidthThatThereIs) {
  for (const std::string& name :
       {std::string("plain"),
        std::string("\xe6\xbc\xa2\xe5\xad\x97\xe3\x81\xa7\xe3\x81\x99 \xf0\x9f\x94\xa5"),
        std::string(500, 'x')}) {
    const RunResult result = synthetic::make_hostile_comparison(name);
    for (const std::size_t width : {40U, 80U, 133U, 300U}) {
      const std::string text = render_as(result, "text", {.arm = "", .width = width});
      for (const std::string& line : lines_of(text)) {
        ASSERT_LE(display_width(line), width) << line;
      }
    }
  }
}

TEST(TerminalView, ColumnsStandBelowEachOther) {
  const std::string text =
      render_as(synthetic::make_comparison(6, 0.8), "text", {.arm = "", .width = 120});
  EXPECT_THAT(text, HasSubstr("vfs-io-worker: 47.20 % of samples (n = 1,272)"));
  std::size_t column = 0;
  for (const std::string& line : lines_of(text)) {
    if (line.starts_with("Category  ")) column = line.find("95 % interval");
    if (line.starts_with("Page faults ")) {
      EXPECT_NE(line[column + 12], ' ') << line;
      EXPECT_EQ(line[column + 13], ' ') << line;
    }
  }
  EXPECT_GT(column, 0U);
  EXPECT_EQ(text.find("**"), std::string::npos);
  EXPECT_EQ(text.find("\\"), std::string::npos);
}

TEST(TerminalView, ColourIsOnlyThereWhenAskedFor) {
  const RunResult result = synthetic::make_comparison(6, 0.5);
  const std::string plain = render_as(result, "text");
  const std::string colored = render_as(result, "text", {.arm = "", .color = true});
  EXPECT_EQ(plain.find('\033'), std::string::npos);
  EXPECT_NE(colored.find("\033[32mimproved\033[0m"), std::string::npos);
  EXPECT_EQ(std::regex_replace(colored, std::regex("\033\\[[0-9;]*m"), ""), plain);
}

}  // namespace
}  // namespace vfsprof::reports
