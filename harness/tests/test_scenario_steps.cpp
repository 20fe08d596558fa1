#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <ranges>
#include <set>
#include <string>
#include <vector>

#include "harness/error.h"
#include "harness/scenario/budget.h"
#include "harness/scenario/distribution.h"
#include "harness/scenario/entry_pool.h"
#include "harness/scenario/operation_list.h"
#include "harness/scenario/operations.h"
#include "harness/scenario/recording.h"
#include "harness/scenario/tree_model.h"

namespace vfsprof::harness {
namespace {

std::string document(const std::string& sets, const std::string& job, const std::string& top = "") {
  return R"({"name": "s", "summary": "a", "stresses": "b")" + top + R"(, "filesets": [)" + sets +
         R"(], "jobs": [{"name": "j", )" + job + "}]}";
}

std::string refusal(const std::string& text) {
  try {
    const Scenario scenario = parse_scenario(text, "x.json");
    measure_footprint(scenario, 1);
    return {};
  } catch (const BadInput& error) {
    return error.what();
  }
}

testing::AssertionResult contains(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "'" << text << "' does not contain '" << part << "'";
}

/// What one client does, as in "create a/f000001 write@0+100".
std::string script(const Scenario& scenario, std::size_t client = 0) {
  const std::vector<ClientPlan> plans = plan_clients(scenario, 1);
  const ClientPlan& plan = plans.at(client);
  OperationStream stream(plan);
  std::string text;
  const auto add = [&](const Operation& operation) {
    text += text.empty() ? "" : " ";
    text += kOperationNames[static_cast<std::size_t>(operation.kind)];
    if (moves_data(operation.kind)) {
      text += "@" + std::to_string(operation.offset) + "+" + std::to_string(operation.size);
    } else if (operation.kind < OperationKind::kPause) {
      text += " " + (*plan.names)[operation.file];
    }
  };
  Operation operation;
  while (stream.next_of_setup(operation)) add(operation);
  text += " |";
  while (stream.next(operation)) add(operation);
  text += " |";
  while (stream.next_of_closing(operation)) add(operation);
  return text;
}

const std::string kFresh = R"({"name": "a", "nrfiles": 4, "existing": 0})";

TEST(Steps, BecomeOperationsOnEntriesOfTheirSet) {
  const Scenario scenario = parse_scenario(
      document(kFresh,
               R"("loops": 2, "setup": [{"op": "create", "set": "a", "pick": "next", "fd": 1}],
        "steps": [{"op": "append", "fd": 1, "size": 10, "bs": 4}, {"op": "read-whole", "fd": 1},
                  {"repeat": 2, "steps": [{"op": "stat", "set": "a", "pick": "next"}]}])"),
      "x.json");
  EXPECT_EQ(
      script(scenario),
      "create a/f000000 | write@0+4 write@4+4 write@8+2 read@0+10 stat a/f000000 stat a/f000000"
      " write@10+4 write@14+4 write@18+2 read@0+20 stat a/f000000 stat a/f000000 | close "
      "a/f000000");
}

TEST(Steps, DealTheEntriesOfASetOutToItsClients) {
  const Scenario scenario = parse_scenario(
      document(R"({"name": "a", "nrfiles": 5, "dirs": 2})",
               R"("numjobs": 2, "loops": 3, "steps": [{"op": "unlink", "set": "a", "pick": "next"},
                   {"op": "create", "set": "a", "pick": "same"}, {"op": "close"}])"),
      "x.json");
  std::map<std::string, std::set<std::size_t>> users;
  for (std::size_t client = 0; client < 2; ++client) {
    for (const ClientPlan& plan : plan_clients(scenario, 1)) {
      if (plan.client != client) continue;
      OperationStream stream(plan);
      for (Operation operation; stream.next(operation);)
        users[(*plan.names)[operation.file]].insert(client);
    }
  }
  EXPECT_EQ(users.size(), 5U);
  for (const auto& [name, clients] : users) EXPECT_EQ(clients.size(), 1U) << name;
  EXPECT_TRUE(users.contains("a/d01/f000003"));
}

TEST(Steps, AMixMeetsItsWeightsExactly) {
  const Scenario scenario =
      parse_scenario(document(R"({"name": "a"})", R"("loops": 100, "steps": [{"mix": [
          {"weight": 7, "steps": [{"op": "stat", "set": "a"}]},
          {"weight": 3, "steps": [{"op": "open", "set": "a"}, {"op": "close"}]}]}])"),
                     "x.json");
  std::map<OperationKind, int> counts;
  const std::vector<ClientPlan> plans = plan_clients(scenario, 1);
  OperationStream stream(plans[0]);
  for (Operation operation; stream.next(operation);) ++counts[operation.kind];
  EXPECT_EQ(counts[OperationKind::kStat], 70);
  EXPECT_EQ(counts[OperationKind::kOpen], 30);
}

TEST(Steps, ExpectedErrorsPickWhatGivesThem) {
  const Scenario scenario =
      parse_scenario(document(R"({"name": "a", "nrfiles": 4, "existing": 50})",
                              R"("steps": [{"op": "open", "set": "a", "expect": "ENOENT"},
                            {"op": "create", "set": "a", "pick": "next", "expect": "EEXIST"}])"),
                     "x.json");
  EXPECT_EQ(script(scenario), " | open a/f000002 create a/f000000 |");
}

TEST(Steps, AreRefusedWithPlaceValueAndWhatIsAllowed) {
  const std::string set = R"({"name": "a", "nrfiles": 2})";
  struct Case {
    std::string text;
    std::string part;
  };
  const auto steps = [&](const std::string& list) {
    return document(set, R"("steps": [)" + list + "]");
  };
  const Case cases[] = {
      {steps(R"({"op": "opn", "set": "a"})"),
       "/jobs/0/steps/0/op: \"opn\" is not allowed: give one of create, open"},
      {steps(R"({"op": "open", "set": "b"})"),
       "/jobs/0/steps/0/set: there is no set 'b': give one of a"},
      {steps(R"({"op": "open"})"), "/jobs/0/steps/0: the key \"set\" is missing"},
      {steps(R"({"op": "stat", "set": "a", "bs": 1})"), "unknown key \"bs\""},
      {steps(R"({"op": "read", "bs": 1})"), "/jobs/0/steps/0: no step before this one opens fd 0"},
      {steps(R"({"op": "mkdir", "set": "a"})"), "set 'a' is of type file, which mkdir cannot take"},
      {steps(R"({"op": "open", "set": "a", "flags": ["sync"]})"), "/flags/0: \"sync\""},
      {steps(R"({"op": "chmod", "set": "a", "mode": "644"})"), "in octal"},
      {steps(R"({"repeat": 0, "steps": [{"op": "stat", "set": "a"}]})"), "/repeat: 0"},
      {steps(R"({"repeat": 2})"), "\"steps\" is missing"},
      {steps(R"({"mix": []})"), "/mix: give an array"},
      {steps(R"({"op": "open", "set": "a"}, {"op": "append", "size": {"gama": 1}})"),
       "/steps/1/size: "},
      {steps(R"({"op": "open", "set": "a"}, {"op": "append", "size": {"gamma": {"mean": "1k"}}})"),
       "\"shape\" is missing"},
      {steps(R"({"op": "unlink", "set": "a", "expect": "ENOBODY"})"), "give one of EACCES"},
      {document(set, R"("rw": "write", "size": "4k", "steps": [])"),
       "/jobs/0: give one of \"rw\", \"steps\""},
      {document(set, R"("bs": "4k", "steps": [{"op": "stat", "set": "a"}])"),
       "/jobs/0/bs: does not go with \"steps\""},
      {document(R"({"name": "a", "type": "symlink"})", R"("rw": "write", "size": "4k")"),
       "\"existing\": 0"},
      {document(R"({"name": "a"}, {"name": "a"})", R"("rw": "write", "size": "4k")"),
       "/filesets/1/name: two sets"},
      {document(R"({"name": "a", "in": "b"})", R"("rw": "write", "size": "4k")"), "/filesets/0/in"},
  };
  for (const Case& c : cases) EXPECT_TRUE(contains(refusal(c.text), c.part)) << c.text;
}

TEST(Steps, SharedSetsThatAreWrittenToMustBeMarkedRacy) {
  const std::string shared = R"({"name": "a", "filesize": "8k", "shared": true})";
  const std::string write =
      R"("numjobs": 2, "setup": [{"op": "open", "set": "a"}], "steps": [{"op": "write", "bs": 1}])";
  const std::string read =
      R"("numjobs": 2, "setup": [{"op": "open", "set": "a"}], "steps": [{"op": "read", "bs": 1}])";
  EXPECT_TRUE(
      contains(refusal(document(shared, write)),
               "2 clients share the files of set 'a', and write to them: set \"racy\": true"));
  EXPECT_EQ(refusal(document(shared, write, R"(, "racy": true)")), "");
  EXPECT_EQ(refusal(document(shared, read)), "");
  EXPECT_TRUE(contains(refusal(document(shared, R"("steps": [{"op": "unlink", "set": "a"}])")),
                       "set 'a' is shared"));
  EXPECT_TRUE(
      contains(refusal(document(R"({"name": "a", "nrfiles": 8})", R"("numjobs": 2, "steps": [
      {"op": "unlink", "set": "a"}, {"op": "readdir", "set": "a"}])")),
               "list the directories of set 'a'"));
}

TEST(Steps, WhatTheyCannotDoIsFoundBeforeAnythingRuns) {
  EXPECT_TRUE(contains(
      refusal(document(kFresh,
                       R"("loops": 5, "steps": [{"op": "create", "set": "a"}, {"op": "close"}])")),
      "step create of client 0, operation 8: set 'a' has no entry left that does not exist"));
  EXPECT_TRUE(contains(
      refusal(document(kFresh,
                       R"("steps": [{"op": "create", "set": "a"}, {"op": "create", "set": "a"}])")),
      "fd 0 is still open"));
  const std::string large =
      R"("steps": [{"op": "create", "set": "a"}, {"op": "append", "size": "3m"}])";
  EXPECT_TRUE(contains(refusal(document(kFresh, large, R"(, "disk_budget": "2m")")),
                       "holds up to 3149824 bytes, and its disk_budget is 2097152"));
  EXPECT_EQ(refusal(document(kFresh, large, R"(, "disk_budget": "4m")")), "");
}

TEST(OperationLists, AreAScenarioLikeAnyOther) {
  const std::string text = R"({"name": "s", "summary": "a", "stresses": "b"}
{"client": 0, "op": "create", "path": "x", "fd": 3}

{"client": 1, "at_ns": 5, "op": "mkdir", "path": "d"}
{"client": 0, "op": "write", "fd": 3, "path": "x", "offset": 0, "size": 7, "expect": 7}
{"client": 1, "op": "rmdir", "path": "missing", "expect": "ENOENT"}
)";
  const Scenario scenario = parse_recording(text, "r.jsonl");
  ASSERT_EQ(scenario.jobs.size(), 2U);
  EXPECT_EQ(script(scenario, 0), " | create x write@0+7 | close x");
  EXPECT_EQ(script(scenario, 1), " | mkdir d rmdir missing |");
  EXPECT_EQ(scenario.jobs[1].operations->operations[0].at_ns, 5U);
}

TEST(OperationLists, CannotLeaveTheirDirectory) {
  const auto refused = [](const std::string& operation) {
    return refusal(
        R"({"name": "s", "summary": "a", "stresses": "b", "jobs": [{"name": "j", "operations": [)" +
        operation + "]}]}");
  };
  for (const char* path : {"/etc/x", "../x", "a/../../x", "a//b", ".", "a/.", ""}) {
    EXPECT_TRUE(contains(refused(R"({"op": "unlink", "path": ")" + std::string(path) + "\"}"),
                         "/jobs/0/operations/0/path"))
        << path;
  }
  for (const char* target : {"/etc", "..", "../../x", "b/../../.."}) {
    EXPECT_TRUE(contains(
        refused(R"({"op": "symlink", "path": "d/l", "target": ")" + std::string(target) + "\"}"),
        std::string(target) == ".." ? "" : "leads out of"))
        << target;
  }
  EXPECT_EQ(refused(R"({"op": "symlink", "path": "d/l", "target": "../x"})"), "");
  EXPECT_TRUE(
      contains(refused(R"({"op": "write", "fd": 1, "offset": 0})"), "the key \"size\" is missing"));
  EXPECT_TRUE(contains(refused(R"({"op": "fsync", "fd": 1, "size": 1})"), "unknown key \"size\""));
}

TEST(Distributions, HaveTheMeanThatTheyStandFor) {
  EXPECT_NEAR(QuantileTable::gamma(16384, 1.5).mean(), 16384, 16);
  EXPECT_NEAR(QuantileTable::uniform({1, 32767}).mean(), 16384, 16);
  EXPECT_EQ(QuantileTable::weighted({{10, 1}, {20, 3}}).mean(), 17.5);
  const QuantileTable zipf = QuantileTable::zipf({512, 1 << 20}, 1.0);
  EXPECT_NEAR(static_cast<double>(zipf.at(512)), std::sqrt(512.0 * (1 << 20)),
              200);  // median of 1/x
}

TEST(Distributions, StratifiedDrawsTakeOneOfEachPart) {
  for (const std::uint64_t seed : {1U, 2U, 77U}) {
    for (const std::uint64_t first : {0U, 64U, 6400U}) {
      std::set<std::uint64_t> strata;
      for (std::uint64_t i = 0; i < 64; ++i) strata.insert(stratified_entry(seed, first + i) / 16);
      EXPECT_EQ(strata.size(), 64U);
    }
  }
}

TEST(Distributions, ZipfDrawsFollowItsLaw) {
  const ZipfSampler zipf(1000, 1.2);
  double norm = 0;
  for (int k = 1; k <= 1000; ++k) norm += std::pow(k, -1.2);
  std::map<std::uint64_t, double> counts;
  Random random(3);
  constexpr int kDraws = 400'000;
  for (int i = 0; i < kDraws; ++i) ++counts[zipf.draw(random)];
  for (const int k : {1, 2, 3, 10, 100}) {
    const double expected = kDraws * std::pow(k, -1.2) / norm;
    EXPECT_NEAR(counts[static_cast<std::uint64_t>(k - 1)], expected, 6 * std::sqrt(expected)) << k;
  }
  EXPECT_LT(counts.rbegin()->first, 1000U);
}

/// A model that keeps contents, and the data its writes had.
struct Written {
  TreeModel model{{.names = 4, .fds = 4, .contents = true}};
  BlockData data{{.seed = 1, .client = 0, .block_bytes = 4096}};
  std::vector<std::byte> file = std::vector<std::byte>(16384);

  void write(std::uint64_t offset, std::uint64_t size, std::uint64_t sequence) {
    const Operation operation{
        .kind = OperationKind::kWrite, .offset = offset, .size = size, .sequence = sequence};
    const auto block = data.block({.file = 0, .offset = offset, .sequence = sequence});
    std::copy_n(block.begin(), size, file.begin() + static_cast<std::ptrdiff_t>(offset));
    model.apply(operation);
  }
  std::string read(std::uint64_t offset, std::uint64_t size) {
    return model.compare({.kind = OperationKind::kRead, .offset = offset, .size = size},
                         std::span(file).subspan(offset, size), data);
  }
};

TEST(TreeModel, KnowsWhichWritePutEachByteThere) {
  Written written;
  written.model.apply({.kind = OperationKind::kCreate});
  written.write(0, 4000, 1);
  written.write(1000, 500, 2);  // in the middle
  written.write(3900, 300, 3);  // over the end
  written.write(900, 200, 4);   // over a border
  written.write(8000, 100, 5);  // behind a hole
  EXPECT_EQ(written.read(0, 8100), "");
  EXPECT_EQ(written.read(950, 3), "");
  Random random(1);
  for (int i = 0; i < 300; ++i) {
    const std::uint64_t offset = random.below(12'000);
    written.write(offset, 1 + random.below(4000), static_cast<std::uint64_t>(10 + i));
    ASSERT_EQ(written.read(0, 16384), "") << i;
  }
  written.file[5000] ^= std::byte{1};
  EXPECT_TRUE(contains(written.read(4990, 100), "from byte 10 of the block on"));
}

TEST(TreeModel, CountsTheBytesThatFilesHold) {
  TreeModel model({.names = 4, .fds = 4});
  std::int64_t held = 0;
  const auto apply = [&](const Operation& operation) {
    held += model.change(operation);
    model.apply(operation);
    return held;
  };
  EXPECT_EQ(apply({.kind = OperationKind::kCreate, .file = 1}), 4096);
  EXPECT_EQ(apply({.kind = OperationKind::kWrite, .file = 1, .offset = 100, .size = 50}), 4246);
  EXPECT_EQ(apply({.kind = OperationKind::kWrite, .file = 1, .offset = 0, .size = 50}), 4246);
  EXPECT_EQ(apply({.kind = OperationKind::kLink, .file = 1, .other = 2}), 8342);
  EXPECT_EQ(apply({.kind = OperationKind::kUnlink, .file = 1}), 4246);
  EXPECT_EQ(apply({.kind = OperationKind::kUnlink, .file = 2}), 150);  // still open
  EXPECT_EQ(apply({.kind = OperationKind::kTruncate, .size = 10}), 10);
  EXPECT_EQ(apply({.kind = OperationKind::kClose}), 0);
}

TEST(EntryPool, TheNextOneIsTheSameHoweverFewFit) {
  constexpr std::uint32_t kCount = 50;
  const Instruction step{.pick = Pick::kNext};
  Random random(1);
  for (const std::uint32_t existing : {1U, 2U, 8U, 9U, 25U, 49U}) {
    EntryPool pool(kCount);
    while (std::ranges::count_if(std::views::iota(0U, kCount), [&](std::uint32_t entry) {
             return pool.exists(entry);
           }) < static_cast<std::ptrdiff_t>(existing)) {
      pool.set_exists(static_cast<std::uint32_t>(random.below(kCount)), true);
    }
    std::uint32_t cursor = kCount - 1;
    for (int i = 0; i < 200; ++i) {
      const bool wanted = random.below(2) == 0;
      do {
        cursor = (cursor + 1) % kCount;
      } while (pool.exists(cursor) != wanted);
      ASSERT_EQ(pool.pick(wanted, step, random), cursor) << existing << " exist, pick " << i;
      if (i % 3 != 0) continue;
      // One comes, one goes: as many exist as before.
      const auto one = *pool.pick(true, {.pick = Pick::kRandom}, random);
      const auto other = *pool.pick(false, {.pick = Pick::kRandom}, random);
      pool.set_exists(one, false);
      pool.set_exists(other, true);
    }
  }
}

}  // namespace
}  // namespace vfsprof::harness
