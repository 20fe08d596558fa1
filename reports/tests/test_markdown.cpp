#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "reports/model/format_error.h"
#include "reports/tests/pathologies.h"
#include "reports/tests/synthetic.h"
#include "reports/write/markdown_table.h"
#include "reports/write/registry.h"

namespace vfsprof::reports {
namespace {

using synthetic::add_floors;
using synthetic::add_profile;
using synthetic::make_comparison;
using synthetic::make_result;
using synthetic::make_round;
using synthetic::user;

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Compares with tests/golden/NAME; VFSPROF_UPDATE_GOLDEN=1 writes it instead, for a look at the
/// difference.
void expect_golden(const std::string& name, const std::string& text) {
  const std::string path = std::string(VFSPROF_REPORTS_FOLDER) + "/tests/golden/" + name;
  if (const char* update = std::getenv("VFSPROF_UPDATE_GOLDEN");
      update != nullptr && *update == '1') {
    std::ofstream(path, std::ios::binary) << text;
  }
  const std::string golden = read_file(path);
  ASSERT_FALSE(golden.empty()) << path << " cannot be read";
  std::istringstream wanted(golden), found(text);
  std::string wanted_line, found_line;
  for (int line = 1; std::getline(wanted, wanted_line); ++line) {
    ASSERT_TRUE(std::getline(found, found_line)) << name << " ends before line " << line;
    ASSERT_EQ(found_line, wanted_line) << name << " line " << line;
  }
  EXPECT_FALSE(std::getline(found, found_line)) << name << " goes on after its end";
}

TEST(Markdown, AComparisonReadsAsTheGoldenFile) {
  RunResult result = make_comparison(8, 1.0);
  add_floors(result, 8);
  result.warnings.push_back("the machine was busy: <other> processes took 12 % of the CPUs");
  expect_golden("comparison.md", render(build_report(result, default_rules()), "md"));
}

TEST(Markdown, ASingleRunReadsAsTheGoldenFile) {
  RunResult result = make_comparison(2, 1.0);
  std::erase_if(result.rounds, [](const Round& round) { return round.arm == 1; });
  result.arms.resize(1);
  result.command = "run";
  expect_golden("run.md", render(build_report(result, default_rules()), "md"));
}

TEST(Markdown, NamesFromOutsideCannotBreakTheTables) {
  RunResult result = make_result({"a|b`c<d>\n# e"});
  Round round = make_round({.kind = RoundKind::kProfiling});
  add_profile(round, {{"evil|role<script>\n## x", {user("operator|(int)")}, 200},
                      {"evil|role<script>\n## x", {user("futex`wake")}, 100}});
  result.rounds.push_back(round);
  result.scenario.name = "x`|y";
  const std::string text = render(build_report(result, default_rules()), "md");
  // In a code span it is text; anywhere else it would be markup.
  std::string outside;
  bool in_code = false;
  for (const char c : text) {
    const bool is_escaped = !in_code && outside.ends_with('\\');
    if (c == '`' && !is_escaped) in_code = !in_code;
    if (!in_code) outside += c;
  }
  EXPECT_FALSE(in_code);
  EXPECT_EQ(outside.find("<script>"), std::string::npos);
  EXPECT_EQ(text.find("\n# e"), std::string::npos);
  EXPECT_EQ(text.find("\n## x"), std::string::npos);
  EXPECT_NE(text.find("`operator\\|`"), std::string::npos);
  EXPECT_NE(text.find("`futex'wake`"), std::string::npos);

  // Every table has as many cells in each row.
  std::istringstream lines(text);
  std::string line;
  long cells = 0;
  while (std::getline(lines, line)) {
    if (!line.starts_with('|')) {
      cells = 0;
      continue;
    }
    long bars = 0;
    for (std::size_t i = 0; i < line.size(); ++i)
      bars += line[i] == '|' && (i == 0 || line[i - 1] != '\\') ? 1 : 0;
    if (cells == 0) cells = bars;
    EXPECT_EQ(bars, cells) << line;
  }
}

TEST(Markdown, StaysWithinGitHubsLimitWhateverComes) {
  RunResult result = make_result({"one"});
  for (const std::size_t roles : {20U, 500U}) {
    result.rounds.clear();
    Round round = make_round({.kind = RoundKind::kProfiling});
    std::vector<synthetic::StackSamples> samples;
    for (std::size_t i = 0; i < roles; ++i) {
      for (const char* leaf :
           {"malloc", "memmove", "memset", "pthread_mutex_lock", "clock_gettime"}) {
        samples.push_back(
            {"a-thread-with-a-long-name-" + std::string(1 + i % 40, 'x') + std::to_string(i),
             {user(leaf)},
             1 + i % 7});
      }
    }
    add_profile(round, samples, 3);
    result.rounds.push_back(round);
    const std::string text = render(build_report(result, default_rules()), "md");
    EXPECT_LT(text.size(), 65'000U);
    EXPECT_TRUE(text.ends_with('\n'));
    EXPECT_GT(text.size(), 5'000U);
  }
}

/// Arms with many threads of many categories, ledgers of waits and timing rounds.
RunResult large_comparison(std::size_t arms) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < arms; ++i) names.push_back("mutex-pool,threads=" + std::to_string(i));
  RunResult result = make_result(names);
  for (std::uint32_t block = 0; block < 6; ++block) {
    for (std::uint32_t arm = 0; arm < arms; ++arm) {
      result.rounds.push_back(make_round({.arm = arm, .block = block}));
      if (block >= 2) continue;
      Round round = make_round({.arm = arm, .block = block, .kind = RoundKind::kProfiling});
      std::vector<synthetic::StackSamples> samples;
      for (std::size_t i = 0; i < 30; ++i) {
        for (const char* leaf : {"malloc", "memmove", "memset", "pthread_mutex_lock", "inflate",
                                 "clock_gettime", "read", "openat64", "nobody_knows"}) {
          samples.push_back({"thread-" + std::string(1 + i, 'x'),
                             {user(leaf), user("caller_of_" + std::string(leaf))},
                             100 + i % 7});
        }
      }
      add_profile(round, samples, 4);
      result.rounds.push_back(round);
    }
  }
  synthetic::add_tracing_rounds(result, 2);
  return result;
}

std::size_t occurrences(const std::string& text, std::string_view what) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) {
    ++count;
  }
  return count;
}

TEST(Markdown, WhatDoesNotFitIsLeftOutAsAWholeAndNamed) {
  for (const std::size_t arms : {2U, 8U}) {
    const RunResult result = large_comparison(arms);
    const std::string text = render(build_report(result, default_rules()), "md");
    SCOPED_TRACE(arms);
    EXPECT_LT(text.size(), 65'000U);
    EXPECT_EQ(text.find("was cut here"), std::string::npos);
    EXPECT_EQ(occurrences(text, "<details>"), occurrences(text, "</details>"));
    EXPECT_EQ(occurrences(text, "```") % 2, 0U);
    const std::size_t notice = text.find("## Left out for its length");
    EXPECT_EQ(notice != std::string::npos, arms == 8);
    for (std::size_t i = 0; i < arms; ++i) {
      const std::string name = result.arms[i].name;
      for (const std::string& title :
           {"Where the time goes: " + name, "Opportunities in " + name, "Waits of " + name,
            "Before and after: " + result.arms[0].name + " -> " + name}) {
        if (i == 0 && title.starts_with("Before")) continue;
        std::string heading = title;
        std::erase(heading, '`');
        std::string shown = text;
        std::erase(shown, '`');
        for (std::size_t at = 0; (at = shown.find("&gt;", at)) != std::string::npos;) {
          shown.replace(at, 4, ">");
        }
        EXPECT_NE(shown.find(heading), std::string::npos) << title;
      }
    }
    EXPECT_NE(text.find("## Executive summary"), std::string::npos);
    EXPECT_NE(text.find("Throughput, latency and cost"), std::string::npos);
  }
}

TEST(Markdown, AReportOfOneScreenfulIsNotShortened) {
  const std::string text = render(build_report(large_comparison(1), default_rules()), "md");
  EXPECT_EQ(text.find("Left out"), std::string::npos);
}

TEST(Text, FoldedPartsAreShownAndLongListsCutWithTheirNumber) {
  const Report report = build_report(large_comparison(2), default_rules());
  const std::string text = render(report, "text");
  EXPECT_EQ(text.find("<details"), std::string::npos);
  EXPECT_EQ(text.find("</"), std::string::npos);
  EXPECT_NE(text.find("▾ Where the time goes: mutex-pool,threads=0 (before)"), std::string::npos);
  EXPECT_NE(text.find(" more in the Markdown report"), std::string::npos);
}

TEST(Text, CallStacksBeginWithTheirShareAndInnermostFrame) {
  const std::string text =
      render(build_report(synthetic::hand_off_and_copies().result, default_rules()), "text");
  std::istringstream lines(text);
  std::string line;
  std::size_t found = 0;
  while (std::getline(lines, line)) {
    found += line.contains(" % vfs-io-worker: futex_wake < do_futex < ") ? 1 : 0;
  }
  EXPECT_GT(found, 0U) << text;
}

TEST(Markdown, WhatHasNoNameSaysWhatWouldNameIt) {
  const auto text = [](const std::string& function) {
    RunResult result = make_result({"a"});
    Round round = make_round({.kind = RoundKind::kProfiling});
    add_profile(round, {{"server", {Frame{FrameKind::kUser, function, "/usr/bin/daemon"}}, 200}});
    result.rounds.push_back(round);
    return render(build_report(result, default_rules()), "md");
  };
  const std::string advice = "debug symbols of its module would name it";
  EXPECT_NE(text("").find(advice), std::string::npos);
  EXPECT_EQ(text("nobody_knows_this").find(advice), std::string::npos);
}

TEST(Markdown, AVoidComparisonGivesNoFigures) {
  RunResult result = make_comparison(6, 0.5);
  result.rounds[1].tree_hash = "other";
  const std::string text = render(build_report(result, default_rules()), "md");
  EXPECT_NE(text.find("**Void**"), std::string::npos);
  EXPECT_NE(text.find("the final file trees differ, first in block 0, timing"), std::string::npos);
  EXPECT_EQ(text.find("Interval of the ratio"), std::string::npos);
}

TEST(Markdown, AMachineByItselfIsATableOfFloors) {
  RunResult result = make_result({});
  add_floors(result, 0);
  result.command = "run";
  const std::string text = render(build_report(result, default_rules()), "md");
  EXPECT_TRUE(text.starts_with("# Floors of this machine\n\n| Floor of this machine |")) << text;
  EXPECT_NE(text.find("| system call | 102 ns | 99.0 ns to 190 ns | 7 | getppid |"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("unavailable"), std::string::npos);
  EXPECT_EQ(text.find("Throughput"), std::string::npos);
}

TEST(Markdown, AResultWithoutRoundsSaysSo) {
  const std::string text = render(build_report(make_result({"lonely"}), default_rules()), "md");
  EXPECT_NE(text.find("`lonely` has no round that counts"), std::string::npos);
}

TEST(Markdown, PlainTextIsNoMarkup) {
  EXPECT_EQ(plain("a*b_c_`d[e]<f>&\n# g\\"), "a\\*b_c\\_\\`d\\[e\\]&lt;f&gt;&amp; \\# g\\\\");
}

TEST(Formats, AnUnknownOneNamesThoseThereAre) {
  try {
    render(build_report(make_result({"a"}), default_rules()), "pdf");
    FAIL();
  } catch (const FormatError& error) {
    EXPECT_TRUE(std::string_view(error.what())
                    .starts_with("unknown report format \"pdf\"; there are: md, text, json, "))
        << error.what();
  }
}

}  // namespace
}  // namespace vfsprof::reports
