// The linter: each rule on a small document in another layout, the report that was received, and
// our own reports, which must be clean.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>

#include "reports/analyze/report.h"
#include "reports/import/import_result.h"
#include "reports/import/perf_script.h"
#include "reports/lint/linter.h"
#include "reports/model/format_error.h"
#include "reports/tests/synthetic.h"
#include "reports/write/registry.h"

namespace vfsprof::reports {

void PrintTo(const LintFinding& finding, std::ostream* out) {
  *out << finding.line << ": " << finding.rule << ": " << finding.message;
}

namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;

const std::string kTests = std::string(VFSPROF_REPORTS_FOLDER) + "/tests/";

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string print(const std::vector<LintFinding>& findings) {
  std::string text;
  for (const LintFinding& finding : findings) {
    text += testing::PrintToString(finding) + "\n";
  }
  return text;
}

auto finding(std::size_t line, const std::string& rule, const std::string& message) {
  return Contains(AllOf(Field(&LintFinding::line, line), Field(&LintFinding::rule, rule),
                        Field(&LintFinding::message, HasSubstr(message))));
}

TEST(Lint, FindsWhatIsWrongWithTheReceivedReport) {
  const std::string text = read_file(kTests + "data/analysis-as-received.md");
  ASSERT_FALSE(text.empty());
  const std::vector<LintFinding> findings = lint_markdown(text);
  SCOPED_TRACE(print(findings));
  EXPECT_THAT(findings, finding(11, "row-sum", "38.06 %, not 47 %"));
  EXPECT_THAT(findings, finding(31, "row-sum", "10.72 %, not 15 %"));
  EXPECT_THAT(findings, finding(11, "thread-sum", "92.00 %"));
  EXPECT_THAT(findings, finding(235, "disagreement", "8.65 % here, 4.67 %"));
  EXPECT_THAT(findings, finding(47, "disagreement", "15.55 % here, 17.15 %"));
  EXPECT_THAT(findings, finding(236, "total", "32.6 % here"));
  EXPECT_THAT(findings, finding(94, "inclusive-row", "Page faults"));
  EXPECT_THAT(findings, finding(163, "below-threshold", "1-2 %"));
  EXPECT_THAT(findings, finding(192, "below-threshold", "2 %"));
  EXPECT_THAT(findings, finding(125, "below-threshold", "5 %"));
  EXPECT_THAT(findings, finding(225, "added-percentages", "18.7-28.7 %"));
  EXPECT_THAT(findings, finding(233, "points-as-percent", "-3.83 %"));
  EXPECT_THAT(findings, finding(11, "no-sample-count", "chance"));
  EXPECT_THAT(findings, finding(11, "no-duration", "duration"));
  EXPECT_THAT(findings, finding(11, "no-absolute-figure", "zero-sum"));
  EXPECT_THAT(findings, finding(31, "cut-name", "vfs-async-execu"));
  EXPECT_THAT(findings, finding(43, "encoding", "decoded"));
  EXPECT_THAT(findings, finding(233, "encoding", "decoded"));
  // The second table is right: 29.92 of 30, as far as 30 says.
  for (const LintFinding& each : findings) {
    EXPECT_FALSE(each.rule == "row-sum" && each.line > 11 && each.line < 31) << each.message;
  }
  std::set<std::string> rules;
  for (const LintFinding& each : findings) rules.insert(each.rule);
  EXPECT_EQ(rules.size(), lint_rules().size()) << "a rule that finds nothing there has no example";
}

TEST(Lint, OurOwnReportsAreClean) {
  for (const char* name : {"golden/run.md", "golden/comparison.md"}) {
    EXPECT_EQ(print(lint_markdown(read_file(kTests + name))), "") << name;
  }
  RunResult faster = synthetic::make_comparison(8, 0.7);
  for (const bool has_kernel : {true, false}) {
    for (Round& round : faster.rounds) {
      if (round.profile) round.profile->kernel_frames = has_kernel;
    }
    const Report report = build_report(faster, default_rules());
    EXPECT_EQ(print(lint_markdown(render(report, "md"))), "");
    EXPECT_EQ(print(lint_report_json(render(report, "json"), "report.json")), "");
  }
}

TEST(Lint, OurOwnReportsOnRecordingsAreClean) {
  for (const char* name : {"script_header.txt", "script_inlined.txt", "script_no_chains.txt",
                           "script_frames_only.txt", "script_events.txt"}) {
    PerfScriptReader reader(name);
    reader.feed(read_file(kTests + "data/" + name));
    Recording recording = reader.finish();
    recording.name = name;
    recording.threads[0].name = "vfs-async-execu";
    const Report report =
        build_report(make_import_result({recording, recording}, {}), default_rules());
    EXPECT_EQ(print(lint_markdown(render(report, "md"))), "") << name;
    EXPECT_EQ(print(lint_report_json(render(report, "json"), "report.json")), "") << name;
  }
}

// Another layout: no outer bars, other words, other order.
constexpr const char* kOtherLayout = R"(Profile of the proxy
====================

Sampled 12,000 samples in 60 seconds; 41 MB/s.

## Thread `reader`: 60.0 % of CPU time

Function | Calls | Part
---|---|---
parse headers | 12 | 35.0 %
copy bodies | 9 | 25.0 %

## Thread `writer`: 40.0 % of CPU time

Function | Calls | Part
---|---|---
send | 12 | 40.0 %

## Elsewhere

| What | Part |
|---|---|
| `reader` parse headers | 35.0 % |
)";

std::string changed(const std::string& from, const std::string& to) {
  std::string text = kOtherLayout;
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Lint, ReadsOtherLayouts) {
  EXPECT_EQ(print(lint_markdown(kOtherLayout)), "");
  EXPECT_THAT(lint_markdown(changed("| 25.0 %", "| 20.0 %")),
              finding(6, "row-sum", "55.00 %, not 60 %"));
  EXPECT_THAT(lint_markdown(changed("40.0 % of", "30.0 % of")),
              finding(6, "thread-sum", "90.00 %"));
  EXPECT_THAT(lint_markdown(changed("headers | 35.0 % |", "headers | 33.0 % |")),
              finding(23, "disagreement", "33 % here, 35 % in line 10"));
  EXPECT_THAT(lint_markdown(changed("12,000 samples in 60 seconds", "In 60 seconds elapsed")),
              finding(6, "no-sample-count", "chance"));
  EXPECT_THAT(lint_markdown(changed(" in 60 seconds", "")), finding(6, "no-duration", "how long"));
  EXPECT_THAT(lint_markdown(changed("; 41 MB/s", "")), finding(6, "no-absolute-figure", "cost"));
  EXPECT_THAT(lint_markdown(changed("the proxy", "the pr\xffoxy")), finding(1, "encoding", "byte"));
  EXPECT_THAT(lint_markdown(changed("the proxy", "the caf\xc3\x83\xc2\xa9")),
              finding(1, "encoding", "decoded"));
  EXPECT_EQ(print(lint_markdown(changed("the proxy", "caf\xc3\xa9 \xc2\xb1 5 \xc2\xb5s"))), "");
}

TEST(Lint, PercentagesAreReadWithTheirPrecision) {
  const std::vector<Percentage> found =
      percentages("~40 %, 10-15%, -3.83%, x86 5 GB, v1.2, 1,234.5 %");
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[0].low, 40);
  EXPECT_EQ(found[0].precision, 0.5);
  EXPECT_EQ(found[1].low, 10);
  EXPECT_EQ(found[1].high, 15);
  EXPECT_EQ(found[2].low, -3.83);
  EXPECT_TRUE(found[2].is_signed);
  EXPECT_EQ(found[3].low, 1234.5);
}

TEST(Lint, ReportsAsJsonAreChecked) {
  const Report report = build_report(synthetic::make_comparison(8, 0.7), default_rules());
  std::string text = render(report, "json");
  EXPECT_THROW(lint_report_json("{}", "x.json"), FormatError);
  EXPECT_THROW(lint_report_json("{", "x.json"), FormatError);
  Report wrong = report;
  wrong.arms[0].profile->roles[0].rows[0].time.printed_share += 10;
  const std::vector<LintFinding> findings = lint_report_json(render(wrong, "json"), "x.json");
  EXPECT_THAT(findings, finding(1, "row-sum", "vfs-io-worker"));
  EXPECT_THAT(findings, finding(1, "disagreement", "vfs-io-worker"));
}

}  // namespace
}  // namespace vfsprof::reports
