#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "harness/experiment/steady_state.h"
#include "harness/scenario/result_trace.h"
#include "harness/scenario/run_control.h"
#include "harness/scenario/time_slices.h"

namespace vfsprof::harness {
namespace {

constexpr std::uint64_t kMs = 1'000'000;

TEST(TimeSlices, HoldEveryOperationWhereItEndedAndAreNeverMany) {
  std::mt19937_64 random(1);
  TimeSlices slices;
  const std::uint64_t origin_ns = 1'000'000'000'000;
  slices.start(origin_ns);
  std::vector<std::uint64_t> ended_ns, late_ns;
  std::uint64_t time_ns = origin_ns;
  for (int i = 0; i < 20'000; ++i) {
    // Mostly close together, at times seconds apart.
    time_ns += random() % (i % 1000 == 0 ? 9000 * kMs : kMs);
    ended_ns.push_back(time_ns);
    late_ns.push_back(random() % 1000);
    slices.add(time_ns, late_ns.back());
    ASSERT_LE(slices.slices().size(), TimeSlices::kMost);
  }
  std::vector<std::uint64_t> expected(slices.slices().size(), 0);
  std::vector<std::uint64_t> least(expected.size(), 0);
  for (std::size_t i = 0; i < ended_ns.size(); ++i) {
    const std::uint64_t index = (ended_ns[i] - origin_ns) / slices.slice_ns();
    least.at(index) = expected.at(index)++ == 0 ? late_ns[i] : std::min(least[index], late_ns[i]);
  }
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(slices.slices()[i].operations, expected[i]) << i;
    EXPECT_EQ(slices.slices()[i].late_ns, least[i]) << i;
  }
  EXPECT_GT(slices.slices().size(), TimeSlices::kMost / 2 - 1) << "wider than needed";
}

TEST(TimeSlices, WidenByJoiningNeighbours) {
  TimeSlices slices;
  slices.start(0);
  for (std::uint64_t ms = 0; ms < 5; ++ms) slices.add(ms * kMs, 0);
  slices.widen_to(4 * kMs);
  EXPECT_EQ(slices.slice_ns(), 4 * kMs);
  ASSERT_EQ(slices.slices().size(), 2U);
  EXPECT_EQ(slices.slices()[0].operations, 4U);
  EXPECT_EQ(slices.slices()[1].operations, 1U);
}

/// The trace of `operations` operations, of which one has another result than usual; 0: none.
ClientTrace trace_of(std::uint64_t operations, std::uint64_t different) {
  ResultTrace trace;
  for (std::uint64_t i = 1; i <= operations; ++i) {
    trace.add(trace.hash() * 6364136223846793005U + i + (i == different ? 7U : 0U));
  }
  return {.operations = trace.operations(),
          .interval = trace.interval(),
          .checkpoints = trace.checkpoints(),
          .hash = trace.hash()};
}

TEST(ResultTrace, SaysBetweenWhichOperationsTwoRunsPart) {
  for (const std::uint64_t operations : {1U, 63U, 64U, 65U, 8191U, 8192U, 100'000U}) {
    for (const std::uint64_t different : {std::uint64_t{1}, operations / 2 + 1, operations}) {
      const WatchedOperations found =
          first_parting({trace_of(operations, 0)}, {trace_of(operations, different)});
      EXPECT_LE(found.first, different) << operations;
      EXPECT_GE(found.last, different) << operations;
      EXPECT_LE(found.last - found.first + 1, std::max<std::uint64_t>(64, operations / 32));
    }
    EXPECT_EQ(first_parting({trace_of(operations, 0)}, {trace_of(operations, 0)}).first, 0U);
  }
}

TEST(ResultTrace, OfSeveralClientsTheOneThatPartsAfterTheFewestOperations) {
  const std::vector<ClientTrace> one{trace_of(1000, 0), trace_of(1000, 0), trace_of(1000, 0)};
  const std::vector<ClientTrace> other{trace_of(1000, 900), trace_of(1000, 100), trace_of(1000, 0)};
  const WatchedOperations found = first_parting(one, other);
  EXPECT_EQ(found.client, 1U);
  EXPECT_EQ(found.first, 65U);
  EXPECT_EQ(found.last, 128U);
}

TEST(ResultTrace, AClientThatStoppedEarlyParts) {
  const WatchedOperations found = first_parting({trace_of(100, 0)}, {trace_of(70, 0)});
  EXPECT_EQ(found.first, 65U);
  EXPECT_EQ(found.last, 100U);
}

TEST(PreciseSleep, NeverWakesUpBeforeItsTime) {
  RunControl control;
  PreciseSleep sleep;
  const std::uint64_t start_ns = now_ns();
  for (std::uint64_t i = 1; i <= 50; ++i) {
    sleep.until(start_ns + i * kMs / 2, control);
    EXPECT_GE(now_ns(), start_ns + i * kMs / 2);
  }
}

TEST(PreciseSleep, EndsSoonAfterAFailure) {
  RunControl control;
  control.fail("over");
  PreciseSleep().until(now_ns() + 3'600'000 * kMs, control);
}

reports::Round round_of(std::uint64_t cpu_ns, std::uint64_t elapsed_ns) {
  reports::Round round;
  round.process_cpu_ns = cpu_ns;
  round.elapsed_ns = elapsed_ns;
  round.operations.push_back(
      {.kind = "write", .count = 100, .service_time_ns = {}, .response_time_ns = {}});
  return round;
}

TEST(WarmUp, IsOverOnceTwoRoundsInARowAgree) {
  reports::WarmUp warm_up;
  add_warm_up(round_of(9000, 1000), warm_up);
  EXPECT_EQ(warm_up.stable_from, 0U);
  add_warm_up(round_of(5000, 1000), warm_up);
  EXPECT_EQ(warm_up.stable_from, 0U) << "the cost still falls";
  add_warm_up(round_of(5000, 700), warm_up);
  EXPECT_EQ(warm_up.stable_from, 0U) << "throughput still rises";
  add_warm_up(round_of(5200, 750), warm_up);
  EXPECT_EQ(warm_up.stable_from, 3U);
  EXPECT_DOUBLE_EQ(warm_up.rounds[0].ns_per_operation, 90);
  EXPECT_DOUBLE_EQ(warm_up.rounds[0].operations_per_second, 1e8);
}

}  // namespace
}  // namespace vfsprof::harness
