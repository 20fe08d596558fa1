#include <gtest/gtest.h>
#include <sys/xattr.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "harness/error.h"
#include "harness/scenario/client.h"
#include "harness/scenario/operation_list.h"
#include "harness/scenario/recording.h"
#include "harness/scenario/store_content.h"
#include "harness/scenario/time_slices.h"
#include "harness/scenario/tree_hash.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;

Scenario scenario_of(const std::string& sets, const std::string& jobs,
                     const std::string& top = "") {
  return parse_scenario(R"({"name": "s", "summary": "a", "stresses": "b")" + top +
                            R"(, "filesets": [)" + sets + R"(], "jobs": [)" + jobs + "]}",
                        "x.json");
}

class ClientSteps : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "vfsprof-steps-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override { fs::remove_all(directory_); }

  ClientResult run(const Scenario& scenario, bool store_is_filled = false) {
    ClientProcess clients(scenario, {.directory = directory_,
                                     .placement = Placement::kFree,
                                     .seed = 1,
                                     .store_is_filled = store_is_filled,
                                     .program = VFSPROF_TEST_CLIENT});
    clients.wait_until_ready();
    clients.go();
    const ClientResult result = clients.wait();
    clients.finish();
    return result;
  }

  std::string setup_error(const Scenario& scenario) {
    try {
      run(scenario);
      return {};
    } catch (const EnvironmentError& error) {
      return error.what();
    }
  }

  static std::map<std::string, std::uint64_t> counts(const ClientResult& result) {
    std::map<std::string, std::uint64_t> found;
    for (const reports::OperationStats& stats : result.operations) found[stats.kind] = stats.count;
    return found;
  }

  fs::path directory_;
};

TEST_F(ClientSteps, ExtendedAttributesAreSetReadListedAndRemoved) {
  if (::setxattr(directory_.c_str(), "user.vfsprof", "1", 1, 0) != 0) {
    GTEST_SKIP() << "the temporary directory's file system has no user attributes";
  }
  const ClientResult result = run(scenario_of(
      R"({"name": "a"})", R"({"name": "j", "setup": [{"op": "open", "set": "a"}], "steps": [
        {"op": "setxattr", "name": "user.x", "size": 100}, {"op": "getxattr", "name": "user.x"}, {"op": "listxattr"},
        {"op": "removexattr", "name": "user.x"}, {"op": "getxattr", "name": "user.x", "expect": "ENODATA"}]})"));
  EXPECT_EQ(result.failure, "");
  EXPECT_EQ(counts(result)["getxattr"], 2U);
}

TEST_F(ClientSteps, LinksAreMadeReadAndFollowedNowhere) {
  EXPECT_EQ(
      run(scenario_of(
              R"({"name": "a", "nrfiles": 2, "dirs": 2}, {"name": "l", "type": "symlink", "nrfiles": 2, "existing": 0},
                       {"name": "h", "nrfiles": 2, "existing": 0})",
              R"({"name": "j", "loops": 2, "steps": [{"op": "symlink", "set": "l", "to": "a"},
                       {"op": "readlink", "set": "l"}, {"op": "link", "set": "a", "to": "h"}]})"))
          .failure,
      "");
  EXPECT_TRUE(fs::read_symlink(directory_ / "l" / "l000000").native().starts_with("../a/d0"));
  EXPECT_TRUE(fs::exists(directory_ / "l" / "l000000")) << "the link leads to its entry";
  EXPECT_EQ(
      fs::hard_link_count(directory_ / "h" / "f000001"),
      2U + (fs::equivalent(directory_ / "h" / "f000000", directory_ / "h" / "f000001") ? 1U : 0U));
}

TEST_F(ClientSteps, NothingIsReachedThroughALinkOfSomebodyElse) {
  fs::create_directory(directory_ / "outside");
  std::ofstream(directory_ / "outside" / "x") << "theirs";
  const fs::path inside = directory_ / "inside";
  fs::create_directory(inside);
  fs::create_directory_symlink(directory_ / "outside", inside / "d");
  const fs::path root = directory_;
  directory_ = inside;
  const std::string recording = R"({"name": "s", "summary": "a", "stresses": "b"}
{"client": 0, "op": "open", "path": "d/x", "fd": 0, "expect": "ELOOP"}
{"client": 0, "op": "create", "path": "d/y", "fd": 1, "expect": "ELOOP"}
{"client": 0, "op": "mkdir", "path": "d/y", "expect": "ELOOP"}
{"client": 0, "op": "symlink", "path": "d/y", "target": "x", "expect": "ELOOP"}
{"client": 0, "op": "readlink", "path": "d/x", "expect": "ELOOP"}
{"client": 0, "op": "unlink", "path": "d/x", "expect": "ELOOP"}
{"client": 0, "op": "rename", "path": "d/x", "to": "z", "expect": "ELOOP"}
{"client": 0, "op": "link", "path": "d/x", "to": "z", "expect": "ELOOP"}
{"client": 0, "op": "stat", "path": "d/x", "expect": "ELOOP"}
{"client": 0, "op": "chmod", "path": "d/x", "mode": "0700", "expect": "ELOOP"}
{"client": 0, "op": "chown", "path": "d/x", "expect": "ELOOP"}
{"client": 0, "op": "utimens", "path": "d/x", "expect": "ELOOP"}
{"client": 0, "op": "readdir", "path": "d/x", "expect": "ELOOP"}
)";
  const std::string before = hash_tree(root / "outside");
  const ClientResult result = run(parse_recording(recording, "r"));
  EXPECT_EQ(result.failure, "");
  directory_ = root;
  EXPECT_EQ(hash_tree(directory_ / "outside"), before);
}

TEST_F(ClientSteps, NothingIsReachedThroughALinkThatTheScenarioMoved) {
  fs::create_directory(directory_ / "outside");
  std::ofstream(directory_ / "outside" / "x") << "theirs";
  const std::string before = hash_tree(directory_ / "outside");
  const fs::path root = directory_;
  directory_ = root / "inside";
  fs::create_directory(directory_);
  // Where the link is made its text leads no further than the start; where it goes it does.
  const std::string recording = R"({"name": "s", "summary": "a", "stresses": "b"}
{"client": 0, "op": "mkdir", "path": "a"}
{"client": 0, "op": "symlink", "path": "a/l", "target": "../outside"}
{"client": 0, "op": "rename", "path": "a/l", "to": "l"}
{"client": 0, "op": "mkdir", "path": "l/y", "expect": "ELOOP"}
{"client": 0, "op": "unlink", "path": "l/x", "expect": "ELOOP"}
{"client": 0, "op": "chmod", "path": "l", "mode": "0700", "expect": "EOPNOTSUPP"}
)";
  EXPECT_EQ(run(parse_recording(recording, "r")).failure, "");
  directory_ = root;
  EXPECT_EQ(hash_tree(directory_ / "outside"), before);
}

TEST_F(ClientSteps, AnUnexpectedResultIsAFailureThatNamesBoth) {
  const ClientResult result = run(
      scenario_of(R"({"name": "a"})",
                  R"({"name": "j", "steps": [{"op": "stat", "set": "a", "expect": "EACCES"}]})"));
  EXPECT_EQ(result.failure, "stat of a/f000000 gave '0' where 'Permission denied' is expected");
}

TEST_F(ClientSteps, WritesBeyondTheBudgetAreStopped) {
  // What steps do is reckoned beforehand; appends to a shared file are held at run time too.
  const Scenario fits = scenario_of(
      R"({"name": "a", "nrfiles": 4, "existing": 0})",
      R"({"name": "j", "loops": 4, "steps": [{"op": "create", "set": "a"}, {"op": "append", "size": "300k"}, {"op": "close"}]})",
      R"(, "disk_budget": "2m")");
  EXPECT_EQ(run(fits).failure, "");
  Scenario exceeds = fits;
  exceeds.disk_budget = 1 << 20;
  EXPECT_NE(setup_error(exceeds).find("holds up to 1245184 bytes, and its disk_budget is 1048576"),
            std::string::npos);
}

TEST_F(ClientSteps, BarriersAndPhasesKeepTheirOrder) {
  const Scenario scenario = scenario_of(
      R"({"name": "a", "nrfiles": 4, "existing": 0})",
      R"({"name": "first", "numjobs": 2, "loops": 1, "steps": [{"op": "create", "set": "a", "pick": "next"}, {"op": "close"}, {"op": "barrier"},
           {"op": "pause", "time": "20ms"}]},
         {"name": "second", "phase": 1, "steps": [{"op": "pause", "time": "1ms"}]})");
  const ClientResult result = run(scenario);
  EXPECT_EQ(result.failure, "");
  EXPECT_EQ(counts(result)["create"], 2U);
  EXPECT_GT(result.elapsed_ns, 20'000'000U);
}

TEST_F(ClientSteps, ARateIsKeptAndResponsesCountFromTheIntendedStart) {
  const ClientResult result = run(scenario_of(
      R"({"name": "a"})",
      R"({"name": "j", "loops": 100, "rate_iops": 2000, "steps": [{"op": "stat", "set": "a"}]})"));
  EXPECT_EQ(result.failure, "");
  EXPECT_GE(result.elapsed_ns, 99 * 500'000U);
  ASSERT_EQ(result.operations.size(), 1U);
  const reports::OperationStats& stats = result.operations[0];
  EXPECT_EQ(stats.response_time_ns.count(), 100U);
  EXPECT_EQ(result.clients.late_ns.count(), 100U);
  // A response is how late the operation was issued, and its service.
  EXPECT_EQ(stats.response_time_ns.sum(),
            result.clients.late_ns.sum() + stats.service_time_ns.sum());
  EXPECT_EQ(result.clients.clients.at(0).paced_operations, 100U);
}

TEST_F(ClientSteps, AClientThatFallsBehindRespondsLate) {
  // A million a second is more than system calls can do: waiting in line counts.
  const ClientResult result = run(scenario_of(
      R"({"name": "a"})",
      R"({"name": "j", "loops": 2000, "rate_iops": 10000000, "steps": [{"op": "stat", "set": "a"}]})"));
  EXPECT_EQ(result.failure, "");
  const reports::OperationStats& stats = result.operations.at(0);
  EXPECT_GT(stats.response_time_ns.sum(), 10 * stats.service_time_ns.sum());
}

TEST_F(ClientSteps, SlicesOfTimeHoldEveryOperationAndTheGeneratorIsPartOfTheClientsTime) {
  const ClientResult result = run(scenario_of(
      R"({"name": "a", "nrfiles": 6})",
      R"({"name": "quick", "numjobs": 2, "loops": 3000, "steps": [{"op": "stat", "set": "a"}]},
         {"name": "slow", "loops": 3, "thinktime": "30ms", "steps": [{"op": "stat", "set": "a"}]})"));
  EXPECT_EQ(result.failure, "");
  ASSERT_EQ(result.clients.clients.size(), 3U);
  for (const reports::ClientStats& client : result.clients.clients) {
    std::uint64_t sum = 0;
    for (const std::uint64_t count : client.slices) sum += count;
    EXPECT_EQ(sum, client.operations);
    EXPECT_LE(client.slices.size(), TimeSlices::kMost);
    EXPECT_TRUE(client.late_slices_ns.empty());
    EXPECT_EQ(client.paced_operations, 0U);
  }
  EXPECT_EQ(result.clients.clients[0].operations, 3000U);
  EXPECT_EQ(result.clients.clients[2].job, "slow");
  EXPECT_GE(result.clients.clients[2].slices.size() * result.clients.slice_ns, 60'000'000U);
  EXPECT_GT(result.clients.generator_cpu_ns, 0U);
  EXPECT_GT(result.clients.calibration_operations, 0U);
}

TEST_F(ClientSteps, ObjectsOfTheStoreAreThereBeforeTheClients) {
  const Scenario scenario = load_scenario("cow-first-write");
  ASSERT_TRUE(has_stored_files(scenario));
  fill_store(scenario, 1, directory_);
  EXPECT_EQ(fs::file_size(directory_ / "objects" / "d01" / "f000001"), 256U << 10);
  EXPECT_EQ(run(scenario, true).failure, "");
}

TEST_F(ClientSteps, ContentsOfEveryStepAreVerified) {
  const Scenario scenario = scenario_of(
      R"({"name": "a", "nrfiles": 8, "filesize": {"uniform": [1, 30000]}, "existing": 50})",
      R"({"name": "j", "loops": 20, "verify": true, "steps": [
          {"op": "create", "set": "a"}, {"op": "append", "size": {"uniform": [1, 9000]}, "bs": 1000}, {"op": "read-whole", "bs": 777},
          {"op": "write", "bs": {"uniform": [1, 5000]}, "offset": "random"}, {"op": "truncate", "size": {"uniform": [0, 9000]}},
          {"op": "write", "bs": 100, "offset": {"zipf": 1.2}}, {"op": "read-whole", "bs": 1024}, {"op": "close"},
          {"op": "rename", "set": "a"}, {"op": "open", "set": "a", "flags": ["truncate"]}, {"op": "write-whole", "bs": 4096},
          {"op": "read-whole"}, {"op": "close"}, {"op": "unlink", "set": "a"}]})");
  EXPECT_EQ(run(scenario).failure, "");
}

}  // namespace
}  // namespace vfsprof::harness
