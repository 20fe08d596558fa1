// The linter: each rule on a small document in another layout, the report that was received, and
// our own reports, which must be clean.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "reports/analyze/report.h"
#include "reports/import/import_result.h"
#include "reports/import/perf_script.h"
#include "reports/lint/linter.h"
#include "reports/model/format_error.h"
#include "reports/tests/hostile.h"
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
  // The rest of what its readers found (field notes on profilers, 1, and on benchmarking, 0.6).
  EXPECT_THAT(findings, finding(11, "no-conditions", "kernel"));
  EXPECT_THAT(findings, finding(11, "no-conditions", "CPU"));
  EXPECT_THAT(findings, finding(11, "no-conditions", "sampling frequency"));
  EXPECT_THAT(findings, finding(233, "no-interval", "about 55000 samples"));
  EXPECT_THAT(findings, finding(238, "no-cost", "2.19 % to 7.77 %"));
  EXPECT_THAT(findings, finding(7, "contention", "waiting"));
  EXPECT_THAT(findings, finding(83, "impact", "15-20 %"));
  // These have examples of their own below.
  std::set<std::string> rules{"total-row", "difference", "sample-sum"};
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

/// Results of many shapes: arms, sizes, noise, categories, privileges.
std::vector<RunResult> varied_results() {
  std::vector<RunResult> results;
  std::mt19937_64 random(20240601);
  for (std::uint32_t i = 0; i < 24; ++i) {
    RunResult result = synthetic::make_comparison(2 + i % 8, 0.5 + 0.07 * i);
    for (Round& round : result.rounds) {
      if (!round.profile) continue;
      for (SampleCount& sample : round.profile->samples) sample.count += random() % (1 + i);
      round.profile->kernel_frames = i % 5 != 4;
      round.elapsed_ns += random() % 1'000'000'000;
    }
    if (i % 4 == 1) {
      std::erase_if(result.rounds, [](const Round& round) { return round.arm == 1; });
      result.arms.resize(1);
      result.command = "run";
    }
    if (i % 3 == 0) synthetic::add_floors(result, 2 + i % 8);
    if (i % 6 == 2) result.rounds[1].tree_hash = "other";
    if (i % 7 == 3) {
      std::erase_if(result.rounds, [](const Round& round) { return round.profile.has_value(); });
    }
    results.push_back(std::move(result));
  }
  return results;
}

TEST(Lint, VariedReportsOfOursAreClean) {
  const RuleSet rules = default_rules();
  int number = 0;
  for (const RunResult& result : varied_results()) {
    SCOPED_TRACE(number++);
    EXPECT_EQ(print(lint_result(result, rules)), "");
  }
}

TEST(Lint, ReportsWithHostileNamesAreClean) {
  for (const std::string& name : synthetic::hostile_names()) {
    const Report report = build_report(synthetic::make_hostile_comparison(name), default_rules());
    EXPECT_EQ(print(lint_report_json(render(report, "json"), "report.json")), "");
    for (const LintFinding& each : lint_markdown(render(report, "md"))) {
      EXPECT_NE(each.rule, "encoding") << each.message;
    }
  }
}

// Another layout: no outer bars, other words, other order.
constexpr const char* kOtherLayout = R"(Profile of the proxy
====================

Sampled 12,000 samples in 60 seconds at 199 Hz; 41 MB/s.

Machine | Linux 6.1, 4 CPUs
---|---

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
              finding(9, "row-sum", "55.00 %, not 60 %"));
  EXPECT_THAT(lint_markdown(changed("40.0 % of", "30.0 % of")),
              finding(9, "thread-sum", "90.00 %"));
  EXPECT_THAT(lint_markdown(changed("headers | 35.0 % |", "headers | 33.0 % |")),
              finding(26, "disagreement", "33 % here, 35 % in line 13"));
  EXPECT_THAT(lint_markdown(changed("12,000 samples in 60 seconds", "In 60 seconds elapsed")),
              finding(9, "no-sample-count", "chance"));
  EXPECT_THAT(lint_markdown(changed(" in 60 seconds", "")), finding(9, "no-duration", "how long"));
  EXPECT_THAT(lint_markdown(changed("; 41 MB/s", "")), finding(9, "no-absolute-figure", "cost"));
  EXPECT_THAT(lint_markdown(changed("the proxy", "the pr\xffoxy")), finding(1, "encoding", "byte"));
  EXPECT_THAT(lint_markdown(changed("the proxy", "the caf\xc3\x83\xc2\xa9")),
              finding(1, "encoding", "decoded"));
  EXPECT_EQ(print(lint_markdown(changed("the proxy", "caf\xc3\xa9 \xc2\xb1 5 \xc2\xb5s"))), "");
}

TEST(Lint, TotalsAndDifferencesAreAddedUpAgain) {
  const std::string table =
      "# Report\n\nn = 300 samples\n\n## worker: 100 % of samples (n = 300)\n\n"
      "| Row | Share | ns | n |\n|---|---|---|---|\n| a | 60.0 % | 1,200 | 180 |\n"
      "| b | 40.0 % | 800 | 120 |\n| **all** | **100.0 %** | **2,000** | 300 |\n\n"
      "## Before and after\n\n| Row | ns before | ns after | Difference |\n|---|---|---|---|\n"
      "| a | 1,200 | 900 | -300 [-310, -290] |\n";
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = table;
    return lint_markdown(text.replace(text.find(from), from.size(), to));
  };
  EXPECT_THAT(with("| 800 |", "| 801 |"), finding(11, "total-row", "2001"));
  EXPECT_THAT(with("120 |", "110 |"), finding(11, "total-row", "290"));
  EXPECT_THAT(with("(n = 300)", "(n = 310)"), finding(5, "sample-sum", "310"));
  EXPECT_THAT(with("n = 300 samples", "n = 400 samples"), finding(1, "sample-sum", "400"));
  EXPECT_THAT(with("-300 [", "-200 ["), finding(17, "difference", "-300, not -200"));
  for (const LintFinding& each : lint_markdown(table)) {
    EXPECT_TRUE(each.rule.starts_with("no-")) << each.rule << each.message;
  }
}

/// Every place of a digit in the cells of some columns of our Markdown, one at a time.
TEST(Lint, OneChangedFigureOfAReportIsFound) {
  const std::string good =
      render(build_report(synthetic::make_comparison(8, 0.7), default_rules()), "md");
  ASSERT_EQ(print(lint_markdown(good)), "");
  std::size_t changed = 0;
  std::vector<std::string> columns;
  for (std::size_t begin = 0; begin < good.size();) {
    const std::size_t end = good.find('\n', begin);
    const std::string line = good.substr(begin, end - begin);
    if (!line.starts_with('|')) columns.clear();
    std::size_t cell = 0, at = 1;
    while (line.starts_with('|') && at < line.size()) {
      const std::size_t stop = line.find(" |", at);
      const std::string text = line.substr(at, stop - at);
      if (columns.size() <= cell) columns.push_back(text);
      const bool is_checked = columns[cell] == " Share" || columns[cell] == " CPU ns/op" ||
                              columns[cell] == " n" || columns[cell].starts_with(" Share ") ||
                              columns[cell].starts_with(" ns/op ") ||
                              columns[cell].starts_with(" Difference");
      const bool is_of_threads =
          columns[0] == " Category" || (columns[0] == " Thread" && columns[1] == " Category");
      const std::size_t digit = text.find_first_of("123456789");
      if (is_checked && is_of_threads && text != columns[cell] && digit != std::string::npos) {
        std::string wrong = good;
        char& c = wrong[begin + at + digit];
        c = static_cast<char>(c < '6' ? c + 4 : c - 4);
        EXPECT_FALSE(lint_markdown(wrong).empty()) << line << "\ncolumn" << columns[cell];
        ++changed;
      }
      at = stop + 2;
      ++cell;
    }
    begin = end + 1;
  }
  EXPECT_GT(changed, 150U);
}

TEST(Lint, OneChangedFigureOfAReportAsJsonIsFound) {
  const nlohmann::json good = nlohmann::json::parse(
      render(build_report(synthetic::make_comparison(8, 0.7), default_rules()), "json"));
  // What follows from no other figure of the file.
  const std::set<std::string> kFree{"threads",
                                    "scheduled_ns_per_operation",
                                    "runnable_ns_per_operation",
                                    "switches_per_operation",
                                    "rounds",
                                    "elapsed_ns",
                                    "frequency_hz",
                                    "lost",
                                    "throttled",
                                    "sampled_ns",
                                    "scheduled_ns",
                                    "mean_ns",
                                    "p50_ns",
                                    "p90_ns",
                                    "p99_ns",
                                    "p999_ns",
                                    "max_ns",
                                    "bytes_per_second",
                                    "errors",
                                    "timing_rounds",
                                    "profiling_rounds",
                                    "minimum_detectable_effect",
                                    "ratio_confidence",
                                    "confidence",
                                    "pairs",
                                    "before",
                                    "after",
                                    "cpu_ns_per_operation",
                                    "client_cpu_ns_per_operation",
                                    "collector_cpu_ns_per_operation",
                                    "voluntary_switches_per_operation",
                                    "involuntary_switches_per_operation",
                                    "bytes_copied_per_byte_written"};
  std::size_t changed = 0;
  const auto walk = [&](const auto& self, const nlohmann::json& value,
                        const nlohmann::json::json_pointer& place) -> void {
    const std::string key = place.empty() ? "" : place.back();
    if (value.is_structured()) {
      if (key.contains("interval") || key.ends_with("frames") || key == "chains") return;
      for (const auto& [name, child] : value.items()) self(self, child, place / name);
      return;
    }
    if (!value.is_number() || kFree.contains(key)) return;
    nlohmann::json wrong = good;
    const double figure = value.get<double>();
    wrong[place] = value.is_number_integer() ? nlohmann::json(value.get<std::int64_t>() * 2 + 7)
                                             : nlohmann::json(figure * 1.5 + 0.3);
    EXPECT_FALSE(lint_report_json(wrong.dump(), "report.json").empty()) << place;
    ++changed;
  };
  const auto at = [&](const char* place) {
    const nlohmann::json::json_pointer pointer(place);
    walk(walk, good[pointer], pointer);
  };
  at("/arms/0/profile/roles/0");
  at("/arms/0/profile/groups");
  at("/arms/0/profile/samples");
  at("/arms/0/profile/classified");
  at("/arms/1/operation_kinds");
  at("/arms/1/counters");
  at("/arms/1/operations_per_second");
  at("/comparisons/0/changes/0");
  at("/comparisons/0/changes/5");
  at("/comparisons/0/metrics/0");
  EXPECT_GT(changed, 80U);
}

TEST(Lint, ResultsAreCheckedToo) {
  RunResult result = synthetic::make_comparison(6, 0.8);
  result.rounds[0].operations[0].count += 1;
  result.rounds[1].threads[0].cpu_ns *= 9;
  const std::vector<LintFinding> findings = lint_result(result, default_rules());
  EXPECT_THAT(findings, finding(1, "disagreement", "1001 operations of kind write"));
  EXPECT_THAT(findings, finding(1, "row-sum", "arm 2, block 0, timing: the threads used"));
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
