#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "reports/analyze/clients.h"
#include "reports/analyze/latency.h"
#include "reports/analyze/report.h"
#include "reports/model/json.h"
#include "reports/tests/synthetic.h"
#include "reports/tests/synthetic_clients.h"
#include "reports/write/registry.h"

namespace vfsprof::reports {
namespace {

using synthetic::make_client;
using synthetic::make_comparison;

/// A round each, whose values are 1 to `count` microseconds and `shift` more.
std::vector<Histogram> make_rounds(std::size_t rounds, std::uint64_t count) {
  std::vector<Histogram> result(rounds);
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::uint64_t i = 1; i <= count; ++i) result[round].record(1000 * (i + round));
  }
  return result;
}

LatencySummary summarise(const std::vector<Histogram>& rounds) {
  std::vector<const Histogram*> each;
  for (const Histogram& round : rounds) each.push_back(&round);
  return summarise_latency(each);
}

TEST(Latency, APercentileNeedsFiveValuesBeyondIt) {
  EXPECT_EQ(values_needed_for(0.5), 10U);
  EXPECT_EQ(values_needed_for(0.99), 500U);
  EXPECT_EQ(values_needed_for(0.9999), 50'000U);
  const LatencySummary summary = summarise(make_rounds(1, 600));
  ASSERT_EQ(summary.percentiles.size(), 5U);
  EXPECT_EQ(summary.percentiles[2].name, "p99");
  EXPECT_NEAR(static_cast<double>(summary.percentiles[2].ns), 594'000, 600);
  EXPECT_EQ(summary.percentiles[2].unavailable, "");
  EXPECT_EQ(summary.percentiles[3].unavailable,
            "fewer than 5 of 600 values lie beyond it: it needs 5,000 values");
}

TEST(Latency, IntervalsAreOverSixRoundsWithValuesEnough) {
  const LatencySummary five = summarise(make_rounds(5, 600));
  EXPECT_FALSE(five.percentiles[0].interval);
  const LatencySummary seven = summarise(make_rounds(7, 600));
  ASSERT_TRUE(seven.percentiles[2].interval);
  EXPECT_GE(seven.percentiles[2].interval->confidence, 0.95);
  // Rounds lie a microsecond apart: the interval of 7 goes from the first to the last.
  const Interval& interval = seven.percentiles[2].interval->interval;
  EXPECT_NEAR(interval.low, 594'000, 600);
  EXPECT_NEAR(interval.high, 600'000, 600);
  EXPECT_LE(interval.low, static_cast<double>(seven.percentiles[2].ns));
  EXPECT_GE(interval.high, static_cast<double>(seven.percentiles[2].ns));
}

TEST(Latency, RoundsThatAreTooShortAreTakenTogether) {
  const LatencySummary summary = summarise(make_rounds(7, 100));
  EXPECT_EQ(summary.count, 700U);
  EXPECT_EQ(summary.percentiles[2].unavailable, "");
  EXPECT_FALSE(summary.percentiles[2].interval);
  EXPECT_TRUE(std::ranges::is_sorted(summary.percentiles, {}, &Percentile::ns));
}

ClientsSummary summarise_clients_of(const std::vector<Round>& rounds) {
  std::vector<const Round*> each;
  for (const Round& round : rounds) each.push_back(&round);
  return summarise_clients(each);
}

Round round_of(const std::vector<ClientStats>& clients) {
  Round round = synthetic::make_round({});
  synthetic::add_clients(round, clients);
  return round;
}

TEST(Clients, FairnessIsJainsIndexOfEachJob) {
  const ClientsSummary summary =
      summarise_clients_of({round_of({make_client("a", {4}), make_client("a", {4}),
                                      make_client("b", {6}), make_client("b", {0})})});
  ASSERT_EQ(summary.jobs.size(), 2U);
  EXPECT_DOUBLE_EQ(summary.jobs[0].index, 1);
  EXPECT_DOUBLE_EQ(summary.jobs[1].index, 0.5);
  EXPECT_DOUBLE_EQ(summary.jobs[1].fastest_per_second, 6);
  EXPECT_DOUBLE_EQ(summary.jobs[1].slowest_per_second, 0);
  EXPECT_DOUBLE_EQ(summary.generator_ns, 200);
}

TEST(Clients, ResultsWithoutThemSaySo) {
  EXPECT_EQ(summarise_clients_of({synthetic::make_round({})}).clients, 0U);
}

std::vector<std::uint64_t> profile_of(std::uint64_t (*count)(std::size_t slice)) {
  std::vector<std::uint64_t> slices;
  for (std::size_t i = 0; i < 100; ++i) slices.push_back(count(i));
  return slices;
}

SteadyState steady_of(std::uint64_t (*count)(std::size_t slice)) {
  return summarise_clients_of({round_of({make_client("a", profile_of(count))})}).steady;
}

TEST(Steady, FromTheStartWhereNothingChanges) {
  const SteadyState steady = steady_of([](std::size_t i) { return 100 + i % 3; });
  EXPECT_EQ(steady.unavailable, "");
  EXPECT_EQ(steady.stable_from, 1U);
}

TEST(Steady, FromWhereAWarmUpEnds) {
  // A quarter of the time at a fifth of the throughput.
  const SteadyState steady =
      steady_of([](std::size_t i) { return std::uint64_t{i < 25 ? 20U : 100U}; });
  EXPECT_GE(steady.stable_from, 3U);
  EXPECT_LE(steady.stable_from, 6U);
  EXPECT_NEAR(steady.stable_after_ns, 2e8, 1e8);
}

TEST(Steady, NeverWhereThroughputFallsToTheEnd) {
  EXPECT_EQ(steady_of([](std::size_t i) { return 1000 - 9 * i; }).stable_from, 0U);
}

TEST(Steady, OneStallIsNoChange) {
  EXPECT_EQ(steady_of([](std::size_t i) {
              return std::uint64_t{i >= 60 && i < 65 ? 0U : 100U};
            }).stable_from,
            1U);
}

TEST(Steady, AMeasuredPhaseCanBeTooShortToTell) {
  const SteadyState steady = summarise_clients_of({round_of({make_client("a", {1, 2, 3})})}).steady;
  EXPECT_NE(steady.unavailable.find("3 slices of time, and 20 windows are needed"),
            std::string::npos)
      << steady.unavailable;
}

TEST(Punctuality, IsLatenessByTheIntervalAndItsChangeOverTime) {
  ClientStats client = make_client("paced", std::vector<std::uint64_t>(100, 10));
  client.paced_operations = client.operations;
  for (std::size_t i = 0; i < 100; ++i) client.late_slices_ns.push_back(5000 + 100 * i);
  Round round = round_of({client});
  round.clients->late_ns.record(10'000, 1000);
  const ClientsSummary summary = summarise_clients_of({round});
  ASSERT_TRUE(summary.punctuality);
  EXPECT_DOUBLE_EQ(summary.punctuality->interval_ns, 1e6);
  EXPECT_NEAR(summary.punctuality->error, 0.01, 1e-4);
  // From slice 9.5 to slice 89.5 in the middle: 8 us more of 1 ms.
  EXPECT_NEAR(summary.punctuality->drift, 0.008, 1e-6);
}

RunResult rich_result() {
  RunResult result = make_comparison(7, 0.9);
  synthetic::add_clients(result);
  return result;
}

TEST(ClientsJson, ComesBackAsItWas) {
  RunResult result = rich_result();
  synthetic::add_differences(result);
  const RunResult again = run_result_from_json(to_json(result), "test");
  EXPECT_EQ(to_json(again), to_json(result));
  ASSERT_TRUE(again.rounds[0].clients);
  EXPECT_EQ(again.rounds[0].clients->clients[2].late_slices_ns.size(), 100U);
  EXPECT_EQ(again.rounds[0].clients->late_ns.max(), 20'000U);
  EXPECT_EQ(again.rounds[0].operations[0].response_time_ns.max(), 90'000U);
  EXPECT_EQ(again.warm_up.rounds[1].operations_per_second, 1000);
  EXPECT_EQ(again.warm_up.stable_from, 2U);
  ASSERT_EQ(again.differences.size(), 2U);
  EXPECT_EQ(again.differences[0].operation, 17U);
  EXPECT_EQ(again.differences[1].after_value, "nothing");
}

TEST(ClientsJson, ResultsSavedBeforeLoadWithoutIt) {
  nlohmann::json document = nlohmann::json::parse(to_json(rich_result()));
  document.erase("warm_up");
  document.erase("differences");
  for (auto& round : document["rounds"]) {
    round.erase("clients");
    for (auto& operation : round["operations"]) operation.erase("response_time_ns");
  }
  const RunResult result = run_result_from_json(document.dump(), "old.json");
  EXPECT_FALSE(result.rounds[0].clients);
  const Report report = build_report(result, default_rules());
  EXPECT_EQ(report.arms[0].clients.clients, 0U);
  EXPECT_EQ(render(report, "md").find("Clients over time"), std::string::npos);
}

TEST(ClientsJson, IndicesAndTimesThatCannotBeAreRefused) {
  const auto message_after = [](auto change) -> std::string {
    RunResult with = rich_result();
    synthetic::add_differences(with);
    nlohmann::json document = nlohmann::json::parse(to_json(with));
    change(document);
    try {
      run_result_from_json(document.dump(), "x.json");
    } catch (const FormatError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_NE(message_after([](auto& d) { d["differences"][0]["after"] = 2; }).find("two arms"),
            std::string::npos);
  EXPECT_NE(message_after([](auto& d) {
              d["rounds"][0]["clients"]["clients"][0]["slices"][0] = std::uint64_t{1} << 60;
            }).find("/rounds/0/clients/clients/0/slices"),
            std::string::npos);
}

TEST(ClientsReport, SaysWhatTheGeneratorTakesHowFairAndHowPunctualClientsAre) {
  const std::string text = render(build_report(rich_result(), default_rules()), "md");
  for (const char* part :
       {"the generator takes 200 ns of the clients' CPU time per operation for itself",
        "operations were issued 20.0 µs after their time (median; p99 20.0 µs): 0.40 % of the 5.00 "
        "ms",
        "| `mutex-pool` | mail | 2 | 200 | 600 | 0.800 |", "stable from round 2 on",
        "Response times count from when an operation was to start", "n too small"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

TEST(ClientsReport, APaceThatWasNotKeptIsAWarning) {
  RunResult result = rich_result();
  EXPECT_TRUE(build_report(result, default_rules()).warnings.empty());
  for (Round& round : result.rounds) {
    if (round.clients) round.clients->late_ns.record(100'000'000, 1'000'000);
  }
  const Report report = build_report(result, default_rules());
  ASSERT_FALSE(report.warnings.empty());
  EXPECT_NE(report.warnings[0].find("more than 1.00 %, so this was not the pace"),
            std::string::npos)
      << report.warnings[0];
}

TEST(ClientsReport, ARunThatNeverGetsStableSaysSo) {
  RunResult result = rich_result();
  result.warm_up.stable_from = 0;
  for (Round& round : result.rounds) {
    std::vector<std::uint64_t> falling;
    for (std::uint64_t i = 0; i < 100; ++i) falling.push_back(1000 - 9 * i);
    synthetic::add_clients(round, {make_client("a", falling)});
  }
  const Report report = build_report(result, default_rules());
  const std::string text = render(report, "md");
  EXPECT_NE(text.find("**never stable**"), std::string::npos);
  EXPECT_NE(text.find("**never** |"), std::string::npos);
  const nlohmann::json document = nlohmann::json::parse(render(report, "json"));
  EXPECT_EQ(document["warm_up"]["stable"], false);
  EXPECT_EQ(document["arms"][0]["clients"]["steady"]["stable"], false);
}

TEST(ClientsReport, AVoidComparisonSaysWhereItsArmsPart) {
  RunResult result = rich_result();
  synthetic::add_differences(result);
  const Report report = build_report(result, default_rules());
  ASSERT_EQ(report.comparisons[0].verdict, Verdict::kVoid);
  const std::vector<std::string>& reasons = report.comparisons[0].void_reasons;
  ASSERT_EQ(reasons.size(), 2U);
  EXPECT_NE(reasons[0].find("they part at `mail/f12`: `mode 100644, 5 bytes` against `nothing`"),
            std::string::npos)
      << reasons[0];
  EXPECT_NE(
      reasons[1].find("they part at `client 3, operation 17, read of c3-f0 at offset 4096, 4096 "
                      "bytes`: `4096` against `0`"),
      std::string::npos)
      << reasons[1];
  const nlohmann::json document = nlohmann::json::parse(render(report, "json"));
  EXPECT_EQ(document["differences"][0]["client"], 3);
  EXPECT_TRUE(document["differences"][1]["client"].is_null());
}

}  // namespace
}  // namespace vfsprof::reports
