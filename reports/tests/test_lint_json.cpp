// `vfsprof lint` on report.json: faults planted in opportunities and waits are found, each by
// itself.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "reports/analyze/report.h"
#include "reports/lint/linter.h"
#include "reports/tests/pathologies.h"
#include "reports/tests/synthetic.h"
#include "reports/write/registry.h"

namespace vfsprof::reports {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;

/// Pointer and value of a fault, and what is to be found.
struct PlantedFault {
  const char* place;
  nlohmann::json value;
  const char* rule;
  const char* message;
};

void expect_found(const nlohmann::json& good, const std::vector<PlantedFault>& faults) {
  for (const LintFinding& found : lint_report_json(good.dump(), "report.json")) {
    ADD_FAILURE() << "without a fault: " << found.rule << ": " << found.message;
  }
  for (const PlantedFault& fault : faults) {
    nlohmann::json wrong = good;
    const nlohmann::json::json_pointer place(fault.place);
    ASSERT_TRUE(wrong.contains(place)) << fault.place;
    wrong[place] = fault.value;
    EXPECT_THAT(lint_report_json(wrong.dump(), "report.json"),
                Contains(AllOf(Field(&LintFinding::rule, fault.rule),
                               Field(&LintFinding::message, HasSubstr(fault.message)))))
        << fault.place;
  }
}

TEST(LintJson, AGroupOfManyRowsIsRoundedAsOftenAsThey) {
  RunResult result = synthetic::make_result({"mutex-pool"});
  Round round = synthetic::make_round({.kind = RoundKind::kProfiling});
  std::vector<synthetic::StackSamples> samples;
  for (char c = 'a'; c <= 'z'; ++c) {
    const std::string role = std::string("worker-") + c;
    samples.push_back({role, {synthetic::kernel("futex_wake")}, 1});
    samples.push_back({role, {synthetic::user("memcpy")}, 8});
  }
  synthetic::add_profile(round, samples);
  result.rounds.push_back(round);
  const std::string text = render(build_report(result, default_rules()), "json");
  for (const LintFinding& found : lint_report_json(text, "report.json")) {
    ADD_FAILURE() << found.rule << ": " << found.message;
  }
}

TEST(LintJson, FaultsOfOpportunitiesInJsonAreFound) {
  const nlohmann::json good = nlohmann::json::parse(
      render(build_report(synthetic::hand_off_and_copies().result, default_rules()), "json"));
  expect_found(
      good,
      {{"/threshold", 0.9, "below-threshold", "lies below the threshold, 0.9"},
       {"/opportunities/0/listed/0/impact_interval/0", 0.01, "below-threshold", "at least 0.01"},
       {"/opportunities/0/listed/0/impact_interval/1", 0.98, "impact", "up to 0.98 go away"},
       {"/opportunities/0/listed/0/impact_interval/1", 0.01, "disagreement",
        "no interval of a part"},
       {"/opportunities/0/listed/0/predicted_ratio_interval/0", 0.9, "disagreement",
        "predicted ratio, lower end"},
       {"/opportunities/0/listed/0/predicted_ratio_interval/1", 0.1, "disagreement",
        "predicted ratio, upper end"},
       {"/opportunities/0/listed/0/evidence/share", 0.9, "disagreement", "outside of its interval"},
       {"/opportunities/0/listed/0/evidence/cells/0/share", 0.9, "disagreement",
        "share of the evidence"},
       {"/opportunities/0/listed/0/evidence/cells/0/share", 0.9, "disagreement", "in its table"},
       {"/opportunities/0/listed/0/evidence/cells/0/role", "nobody", "disagreement",
        "but 0 in its table"},
       {"/opportunities/0/listed/1/evidence/stacks/0/share_of_evidence", 0.9, "disagreement",
        "share of its call stacks"},
       {"/opportunities/0/listed/1/evidence/stacks_share", 0.3, "disagreement", "carry 30 %"},
       {"/opportunities/0/combined_impact_interval/0", 0.99, "added-percentages", "compounded"},
       {"/opportunities/0/combined_impact_interval/1", 1.0, "added-percentages", "compounded"},
       {"/opportunities/0/combined_impact_interval/0", 0.0, "disagreement", "less than the first"},
       {"/opportunities/0/combined_impact_interval", nullptr, "disagreement", "combined impact"}});
}

TEST(LintJson, FaultsOfWaitingWorthEndingAreFound) {
  RunResult result = synthetic::make_comparison(6, 0.8);
  synthetic::add_tracing_rounds(result, 2);
  const nlohmann::json good =
      nlohmann::json::parse(render(build_report(result, default_rules()), "json"));
  const std::string first = "/opportunities/0/waits/listed/0";
  const auto at = [&](const char* place) { return first + place; };
  const std::string low = at("/impact_interval/0"), high = at("/impact_interval/1"),
                    share = at("/evidence/share"), part = at("/evidence/parts/0/part_ns"),
                    own = at("/evidence/parts/0/share"), vain = at("/evidence/waiting/0/in_vain");
  expect_found(good,
               {{low.c_str(), 0.01, "below-threshold", "at least 0.01"},
                {high.c_str(), 0.99, "impact", "up to 0.99 go away"},
                {share.c_str(), 0.99, "disagreement", "outside of its interval"},
                {share.c_str(), 0.99, "disagreement", "share of the evidence"},
                {own.c_str(), 0.1, "disagreement", "share of"},
                {part.c_str(), 1e12, "disagreement", "at all futexes for"},
                {vain.c_str(), 1'000'000'000, "disagreement", "more calls in vain than calls"}});
}

TEST(LintJson, FaultsOfWaitsInJsonAreFound) {
  RunResult result = synthetic::make_comparison(6, 0.8);
  synthetic::add_tracing_rounds(result, 2);
  const nlohmann::json good =
      nlohmann::json::parse(render(build_report(result, default_rules()), "json"));
  expect_found(
      good,
      {{"/arms/0/waits/futexes/rows/0/totals/woken", 1, "total", "futex rows: woken"},
       {"/arms/0/waits/futexes/rows/1/totals/wait/total_ns", 1, "total", "wait.total_ns"},
       {"/arms/0/waits/futexes/words/0/totals/threads_woken", 1, "total", "futex words"},
       {"/arms/1/waits/futexes/purposes/0/totals/cpu_ns", 1, "total", "futex purposes"},
       {"/arms/0/waits/futexes/totals/calls", 1, "disagreement", "waits and wakes"},
       {"/arms/0/waits/futexes/totals/useless", 1'000'000'000, "disagreement", "more useless"},
       {"/arms/0/waits/futexes/totals/wait/mean_ns", 1, "disagreement", "mean"},
       {"/arms/0/waits/futexes/named_wait_share", 0.1, "disagreement", "named words"},
       {"/arms/0/waits/futexes/matrix/0/wake_to_run_p50_ns", 1e12, "disagreement", "above the p99"},
       {"/arms/0/waits/wall_clock/roles/0/accounted_ns", 1, "disagreement", "wall clock of"},
       {"/arms/0/waits/wall_clock/roles/0/elapsed_ns", 1, "disagreement", "the worst thread"},
       {"/arms/0/waits/wall_clock/roles/0/blocked_ns/futex", 1, "disagreement", "blocked: futex"},
       {"/arms/0/waits/wall_clock/blocked/0/blocked/total_ns", 1, "disagreement", "blocked: futex"},
       {"/arms/0/waits/fuse/0/errors", 1'000'000'000, "disagreement", "more errors than requests"},
       {"/arms/0/waits/fuse/0/reply/count", 1'000'000'000, "disagreement", "more times of reply"}});
}

}  // namespace
}  // namespace vfsprof::reports
