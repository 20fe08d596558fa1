// Recordings of which everything is known, as results and reports.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "reports/analyze/report.h"
#include "reports/import/bursts.h"
#include "reports/import/import_result.h"
#include "reports/import/perf_script.h"
#include "reports/model/format_error.h"
#include "reports/model/json.h"
#include "reports/write/registry.h"

namespace vfsprof::reports {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// Bursts of `samples` at 1 ms with a second between them; `wakes` of 100 samples are futex wakes.
struct Generated {
  std::size_t bursts = 3;
  std::size_t samples = 600;
  unsigned wakes = 30;
  bool with_times = true;
  unsigned seed = 1;
};

std::string generate(const Generated& wanted) {
  std::mt19937 random(wanted.seed);
  std::string text;
  std::uint64_t time_us = 1'000'000;
  for (std::size_t burst = 0; burst < wanted.bursts; ++burst) {
    for (std::size_t i = 0; i < wanted.samples; ++i) {
      time_us += 1000;
      const bool is_wake = random() % 100 < wanted.wakes;
      const std::string time =
          wanted.with_times ? fmt::format("{}.{:06}: ", time_us / 1'000'000, time_us % 1'000'000)
                            : "";
      text +=
          fmt::format("{} 12 {}1000000 cpu-clock: \n", is_wake ? "io-worker-1" : "session-2", time);
      text += is_wake ? "\tffffffff81000000 futex_wake+0x1 ([kernel.kallsyms])\n\n"
                      : "\t7f00 memmove+0x2 (/lib/libc.so.6)\n\t11 main+0x1 (/bin/subject)\n\n";
    }
    time_us += 1'000'000;
  }
  return text;
}

Recording record(const Generated& wanted, const std::string& name = "a.txt") {
  PerfScriptReader reader(name);
  reader.feed(generate(wanted));
  Recording recording = reader.finish();
  recording.name = name;
  return recording;
}

ImportOptions naming() {
  return {.event = {},
          .full_name = [](std::string_view name) { return std::string(name); },
          .role =
              [](std::string_view name) {
                return std::string(name.substr(0, name.find_last_of('-')));
              }};
}

TEST(Bursts, AreCutAtGapsLongerThanTheRuleSays) {
  std::vector<std::uint64_t> times;
  for (std::uint64_t i = 0; i < 40; ++i) times.push_back(i * 1'000'000);
  const std::uint64_t end = times.back();
  for (std::uint64_t i = 0; i < 30; ++i) times.push_back(end + 50'000'000 + i * 1'000'000);
  EXPECT_EQ(find_bursts(times).bursts.size(), 1U) << "a gap of exactly 50 ms is none";
  for (std::size_t i = 40; i < times.size(); ++i) ++times[i];
  const BurstCut cut = find_bursts(times);
  EXPECT_EQ(cut.threshold_ns, kShortestIdleNs);
  ASSERT_EQ(cut.bursts.size(), 2U);
  EXPECT_EQ(cut.bursts[0].samples, 40U);
  EXPECT_EQ(cut.bursts[0].active_ns, 39'000'000U);
  EXPECT_EQ(cut.bursts[1].samples, 30U);
}

TEST(Bursts, SlowSamplingIsNoIdleness) {
  std::vector<std::uint64_t> times;
  for (std::uint64_t i = 0; i < 100; ++i) times.push_back(i * 100'000'000);
  const BurstCut cut = find_bursts(times);
  EXPECT_EQ(cut.bursts.size(), 1U);
  EXPECT_EQ(cut.threshold_ns, 1'000'000'000U);
}

TEST(Bursts, FewSamplesJoinTheirNeighbourAndNoneIsLost) {
  std::vector<std::uint64_t> times{1, 2};
  for (std::uint64_t i = 0; i < 25; ++i) times.push_back(1'000'000'000 + i * 1'000'000);
  times.push_back(9'000'000'000);
  const BurstCut cut = find_bursts(times);
  ASSERT_EQ(cut.bursts.size(), 1U);
  EXPECT_EQ(cut.bursts[0].samples, times.size());
  EXPECT_EQ(cut.bursts[0].active_ns, 24'000'000U);
  EXPECT_TRUE(find_bursts({}).bursts.empty());
}

TEST(Import, ARecordingOfKnownSharesGivesThem) {
  const RunResult result = make_import_result({record({})}, naming());
  ASSERT_EQ(result.rounds.size(), 3U);
  for (const Round& round : result.rounds) {
    std::uint64_t samples = 0;
    for (const SampleCount& sample : round.profile->samples) samples += sample.count;
    EXPECT_EQ(samples, 600U);
    EXPECT_EQ(round.elapsed_ns, 600'000'000U);
    EXPECT_EQ(round.profile->weight_ns, 1'000'000U);
    EXPECT_FALSE(round.counts_operations);
  }
  const Report report = build_report(result, default_rules());
  ASSERT_TRUE(report.arms[0].profile);
  const ProfileTables& tables = *report.arms[0].profile;
  EXPECT_EQ(tables.samples, 1800U);
  ASSERT_EQ(tables.roles.size(), 2U);
  EXPECT_EQ(tables.roles[0].role, "session");
  EXPECT_EQ(tables.roles[1].role, "io-worker");
  EXPECT_NEAR(tables.roles[1].time.share.value, 0.30, 0.03);
  ASSERT_TRUE(tables.roles[1].time.share.interval);
  EXPECT_LT(tables.roles[1].time.share.interval->low, tables.roles[1].time.share.value);
}

TEST(Import, WhatARecordingCannotSayIsUnavailableAndNeverZero) {
  const RunResult result = make_import_result({record({})}, naming());
  const Report report = build_report(result, default_rules());
  const std::string text = render(report, "md");
  EXPECT_THAT(text, HasSubstr("throughput, latency and cost per operation: unavailable"));
  EXPECT_THAT(text, HasSubstr("| unavailable | "));
  EXPECT_THAT(text, Not(HasSubstr("per operation (")));
  EXPECT_THAT(text, Not(HasSubstr("0 ns")));
  const nlohmann::json document = nlohmann::json::parse(render(report, "json"));
  const nlohmann::json& arm = document["arms"][0];
  EXPECT_TRUE(arm["cpu_ns_per_operation"].is_null());
  EXPECT_TRUE(arm["operations_per_second"].is_null());
  EXPECT_TRUE(arm["profile"]["roles"][0]["time"]["cost_ns_per_operation"].is_null());
  EXPECT_TRUE(
      arm["profile"]["roles"][0]["rows"][0]["time"]["printed_cost_ns_per_operation"].is_null());
}

TEST(Import, TwoRecordingsAreComparedByShare) {
  const RunResult result = make_import_result(
      {record({.bursts = 6}), record({.bursts = 6, .wakes = 60, .seed = 2}, "b.txt")}, naming());
  const Report report = build_report(result, default_rules());
  ASSERT_EQ(report.comparisons.size(), 1U);
  bool found = false;
  for (const CategoryChange& change : report.comparisons[0].changes) {
    if (change.role != "io-worker") continue;
    found = true;
    EXPECT_EQ(change.verdict, CellVerdict::kShareMoved) << to_string(change.verdict);
    EXPECT_NEAR(change.share_difference.value, 0.30, 0.05);
  }
  EXPECT_TRUE(found);
  const std::string text = render(report, "md");
  EXPECT_THAT(text, HasSubstr("share moved"));
  EXPECT_THAT(report.key_finding, HasSubstr("neither counts operations"));
}

TEST(Import, WithoutTimesThereIsOneRoundAndNoInterval) {
  const RunResult result = make_import_result({record({.with_times = false})}, naming());
  ASSERT_EQ(result.rounds.size(), 1U);
  const Report report = build_report(result, default_rules());
  EXPECT_FALSE(report.arms[0].profile->roles[0].time.share.interval);
  const std::string text = render(report, "md");
  EXPECT_THAT(text, HasSubstr("no time was printed"));
  EXPECT_THAT(text, HasSubstr("There are no intervals"));
}

TEST(Import, SamplesOfOtherEventsAreLeftOutAndCounted) {
  PerfScriptReader reader("e.txt");
  reader.feed(
      "a 1 1.000000: 1 syscalls:sys_enter_futex: uaddr: 0x7f00\n\t7f01 syscall (/lib/libc.so.6)\n\n"
      "a 1 1.100000: 1 syscalls:sys_enter_futex: uaddr: 0x7f00\n\t7f01 syscall (/lib/libc.so.6)\n\n"
      "a 1 1.200000: 250000 cycles:ppp: \n\t7f01 syscall (/lib/libc.so.6)\n\n"
      "swapper 0 1.300000: 250000 cycles:ppp: \n\tffffffff81000000 idle ([kernel.kallsyms])\n\n");
  const Recording recording = reader.finish();
  const RunResult result = make_import_result({recording}, {});
  ASSERT_EQ(result.rounds.size(), 1U);
  EXPECT_EQ(result.rounds[0].profile->event, "cycles:ppp");
  ASSERT_EQ(result.rounds[0].profile->samples.size(), 1U);
  std::string details;
  for (const Capability& capability : result.capabilities) details += capability.detail + "\n";
  EXPECT_THAT(details, HasSubstr("2 samples of other events than cycles:ppp"));
  EXPECT_THAT(details, HasSubstr("1 samples of the idle task"));
  EXPECT_THROW(make_import_result({recording}, {.event = "nonsense", .full_name = {}, .role = {}}),
               FormatError);
}

TEST(Import, ResultsAreSavedAndReadAgain) {
  const RunResult result = make_import_result({record({})}, naming());
  const RunResult again = run_result_from_json(to_json(result), "import.json");
  EXPECT_FALSE(again.rounds[0].counts_operations);
  EXPECT_EQ(render(build_report(again, default_rules()), "md"),
            render(build_report(result, default_rules()), "md"));
}

}  // namespace
}  // namespace vfsprof::reports
