#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "reports/analyze/report.h"
#include "reports/analyze/waits.h"
#include "reports/lint/linter.h"
#include "reports/model/format_error.h"
#include "reports/model/json.h"
#include "reports/tests/synthetic.h"
#include "reports/write/registry.h"

namespace vfsprof::reports {
namespace {

using synthetic::make_comparison;

RunResult traced_run() {
  RunResult result = synthetic::make_result({"mutex-pool"});
  synthetic::add_tracing_rounds(result, 1);
  return result;
}

WaitTables traced_tables() {
  const RunResult result = traced_run();
  return analyse_waits({&result.rounds[0]}).value();
}

const FutexRow* find_row(const WaitTables& tables, const std::string& role,
                         const std::string& word) {
  for (const FutexRow& row : tables.futexes.rows) {
    if (row.role == role && row.word == word) return &row;
  }
  return nullptr;
}

TEST(Waits, RowsHoldWhatTheCallsSay) {
  const WaitTables tables = traced_tables();
  const FutexRow* const row = find_row(tables, "vfs-io-worker", "pool.mutex");
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->site, "vfsprof::vfs::MutexPool::Of::modify");  // not libc's, not std::mutex::lock
  EXPECT_EQ(row->operations, "WAIT_BITSET");
  EXPECT_EQ(row->totals.waits, 1800U);
  EXPECT_EQ(row->totals.woken, 1620U);
  EXPECT_EQ(row->totals.again, 180U);
  EXPECT_DOUBLE_EQ(row->totals.wait.mean_ns(), 2000);
  EXPECT_DOUBLE_EQ(row->totals.wait.quantile_ns(0.5), 1024 + 512);
  EXPECT_DOUBLE_EQ(tables.per(static_cast<double>(row->totals.waits)), 1.8);
  EXPECT_EQ(tables.futexes.words.front().word, "pool.mutex");
}

TEST(Waits, ThreadsWokenAreTheWaitsThatWereWoken) {
  const FutexTotals& totals = traced_tables().futexes.totals;
  EXPECT_EQ(totals.threads_woken, totals.woken);
  EXPECT_EQ(totals.wakes, totals.threads_woken + totals.useless);
}

TEST(Waits, AWordWithoutANameIsCalledByItsCallSites) {
  const WaitTables tables = traced_tables();
  EXPECT_NE(find_row(tables, "mount_vfs",
                     "vfsprof::vfs::MutexPool::Of::modify <-> vfsprof::vfs::WorkerPool::work"),
            nullptr);
  EXPECT_NEAR(tables.futexes.named_wait_share, 0.99, 0.001);
}

TEST(Waits, EachWakeIsAttributed) {
  std::uint64_t wakes = 0;
  const WaitTables tables = traced_tables();
  for (const PurposeRow& row : tables.futexes.purposes) wakes += row.totals.wakes;
  EXPECT_EQ(wakes, tables.futexes.totals.wakes);
  EXPECT_EQ(tables.futexes.purposes.front().purpose, WordPurpose::kLock);
  ASSERT_EQ(tables.futexes.matrix.size(), 2U);
  EXPECT_EQ(tables.futexes.matrix[0].waker, "mount_vfs");
  EXPECT_EQ(tables.futexes.matrix[0].wakee, "vfs-io-worker");
  EXPECT_EQ(tables.futexes.matrix[0].count, 1620U);
}

TEST(Waits, TheWallClockAddsUp) {
  const WaitTables tables = traced_tables();
  ASSERT_EQ(tables.wall_clock.roles.size(), 2U);
  for (const RoleTime& role : tables.wall_clock.roles) {
    EXPECT_EQ(role.accounted_ns(), role.elapsed_ns) << role.role;
    EXPECT_EQ(role.worst_gap, 0) << role.role;
  }
  EXPECT_EQ(tables.wall_clock.reasons, (std::vector<std::string>{"futex", "FUSE read"}));
}

TEST(Waits, AGapInTheWallClockIsSeen) {
  RunResult result = traced_run();
  result.rounds[0].waits->wall_clock.threads[1].elapsed_ns *= 2;
  const WaitTables tables = analyse_waits({&result.rounds[0]}).value();
  double worst = 0;
  for (const RoleTime& role : tables.wall_clock.roles) worst = std::max(worst, role.worst_gap);
  EXPECT_DOUBLE_EQ(worst, 0.5);
}

TEST(Waits, UnknownQueueTimeIsNoZero) {
  const WaitTables tables = traced_tables();
  ASSERT_EQ(tables.fuse.size(), 1U);
  EXPECT_FALSE(tables.fuse[0].queue);
  EXPECT_DOUBLE_EQ(tables.fuse[0].daemon->mean_ns(), 5);
  EXPECT_NE(render(build_report(traced_run(), default_rules()), "md").find("unavailable"),
            std::string::npos);
}

TEST(Waits, OperationsThatWait) {
  for (const char* name : {"WAIT", "WAIT_BITSET", "LOCK_PI", "LOCK_PI2", "TRYLOCK_PI",
                           "WAIT_REQUEUE_PI", "futex_wait", "futex_waitv"}) {
    EXPECT_TRUE(is_wait(name)) << name;
  }
  for (const char* name : {"WAKE", "WAKE_BITSET", "WAKE_OP", "REQUEUE", "CMP_REQUEUE",
                           "CMP_REQUEUE_PI", "UNLOCK_PI", "futex_wake", "futex_requeue"}) {
    EXPECT_FALSE(is_wait(name)) << name;
  }
}

TEST(Waits, ComparisonsPairBlocks) {
  RunResult result = make_comparison(6, 0.9);
  synthetic::add_tracing_rounds(result, 6);
  const Report report = build_report(result, default_rules());
  ASSERT_FALSE(report.comparisons[0].waits.empty());
  const WordComparison& all = report.comparisons[0].waits.front();
  EXPECT_EQ(all.word, "");
  EXPECT_EQ(all.waits.pairs, 6U);
  EXPECT_NEAR(all.waits.ratio, 0.5, 0.01);
  EXPECT_TRUE(all.waits.interval);
  EXPECT_EQ(report.comparisons[0].waits[1].word, "pool.mutex");
  EXPECT_DOUBLE_EQ(report.comparisons[0].waits[1].wait_ns.before, 3600);
}

TEST(Waits, SectionsThatWereNotMeasuredAreAbsent) {
  RunResult result = traced_run();
  result.rounds[0].waits->futexes = {};
  for (BlockedTime& entry : result.rounds[0].waits->wall_clock.blocked) entry.word = 0;
  const Report report = build_report(result, default_rules());
  const std::string text = render(report, "md");
  EXPECT_EQ(text.find("### Futex"), std::string::npos);
  EXPECT_NE(text.find("### Wall clock"), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(render(report, "json"))["arms"][0]["waits"]["futexes"], nullptr);
  result.rounds[0].waits.reset();
  EXPECT_EQ(render(build_report(result, default_rules()), "md").find("## Waits"),
            std::string::npos);
}

TEST(Waits, ReportsAreLintClean) {
  RunResult result = make_comparison(6, 0.9);
  synthetic::add_tracing_rounds(result, 6);
  for (const RunResult& one : {traced_run(), result}) {
    for (const LintFinding& finding :
         lint_markdown(render(build_report(one, default_rules()), "md"))) {
      ADD_FAILURE() << finding.line << ": " << finding.rule << ": " << finding.message;
    }
  }
}

TEST(WaitsJson, ComeBackAsTheyWere) {
  const RunResult result = traced_run();
  const std::string text = to_json(result);
  const RunResult again = run_result_from_json(text, "test");
  EXPECT_EQ(to_json(again), text);
  const Waits &before = *result.rounds[0].waits, &after = again.rounds[0].waits.value();
  EXPECT_EQ(after.stacks, before.stacks);
  EXPECT_EQ(after.frames, before.frames);
  ASSERT_EQ(after.futexes.calls.size(), before.futexes.calls.size());
  EXPECT_EQ(after.futexes.calls[0].wait_time, before.futexes.calls[0].wait_time);
  EXPECT_EQ(after.futexes.calls[1].useless, before.futexes.calls[1].useless);
  EXPECT_EQ(after.futexes.words[1].purpose, WordPurpose::kQueue);
  EXPECT_EQ(after.wall_clock.blocked[1].reason, BlockReason::kFuseRead);
  EXPECT_EQ(after.wall_clock.blocked[0].waker, "mount_vfs");
  EXPECT_EQ(after.fuse[0].daemon_ns, 5000U);
}

TEST(WaitsJson, OlderFilesHaveNone) {
  nlohmann::json document = nlohmann::json::parse(to_json(traced_run()));
  document["rounds"][0].erase("waits");
  EXPECT_FALSE(run_result_from_json(document.dump(), "test").rounds[0].waits);
}

TEST(WaitsJson, RefusesWhatPointsOutOfRangeOrOverflows) {
  using Json = nlohmann::json;
  const std::function<void(Json&)> changes[] = {
      [](Json& w) { w["futexes"]["calls"][0]["thread"] = 3; },
      [](Json& w) { w["futexes"]["calls"][0]["stack"] = 3; },
      [](Json& w) { w["futexes"]["calls"][0]["word"] = 3; },
      [](Json& w) { w["futexes"]["calls"][0]["wait_time"] = std::vector<int>(65, 1); },
      [](Json& w) { w["futexes"]["calls"][0]["wait_ns"] = UINT64_MAX; },
      [](Json& w) { w["futexes"]["calls"][0]["calls"] = -1; },
      [](Json& w) { w["futexes"]["words"][0]["purpose"] = "lunch"; },
      [](Json& w) { w["futexes"]["wakeups"][0]["wakee"] = 3; },
      [](Json& w) { w["futexes"]["wakeups"][0]["word"] = 3; },
      [](Json& w) { w["wall_clock"]["blocked"][0]["word"] = 3; },
      [](Json& w) { w["wall_clock"]["blocked"][0]["stack"] = 3; },
      [](Json& w) { w["wall_clock"]["blocked"][0]["reason"] = "boredom"; },
      [](Json& w) { w["wall_clock"]["threads"][0]["thread"] = 3; },
      [](Json& w) { w["wall_clock"]["threads"][0]["elapsed_ns"] = 1ULL << 63; },
      [](Json& w) { w["fuse"][0]["daemon_ns"] = 1ULL << 63; },
      [](Json& w) { w["nodes"]["caller"][1] = 2; },
      [](Json& w) { w.erase("futexes"); },
  };
  for (std::size_t i = 0; i < std::size(changes); ++i) {
    Json document = Json::parse(to_json(traced_run()));
    changes[i](document["rounds"][0]["waits"]);
    EXPECT_THROW(run_result_from_json(document.dump(), "test"), FormatError) << "change " << i;
  }
}

}  // namespace
}  // namespace vfsprof::reports
