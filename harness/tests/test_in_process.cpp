// The target inproc: it agrees with a mount and with a plain directory; and lockstep, on both of
// ours.

#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "harness/run/runner.h"
#include "harness/run/work_directory.h"
#include "harness/tests/mount_fixture.h"
#include "reports/analyze/lockstep.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;

/// Small: each round takes milliseconds, and the tests run over the whole library.
Scenario small(const std::string& name) {
  Scenario scenario = load_scenario(name);
  scale(scenario, 0.002);
  return scenario;
}

reports::Round run(const Scenario& scenario, const std::string& target,
                   const std::string& variant) {
  const WorkDirectory work(fs::temp_directory_path());
  const TargetSpec spec = parse_target(target == "dir" ? "dir=" + work.path().string() : target);
  const std::string canonical =
      spec.info->takes_path ? "" : vfs::canonical(vfs::parse_variant(variant));
  return run_round({.scenario = scenario,
                    .target = spec,
                    .variant = canonical,
                    .placement = Placement::kFree,
                    .seed = 7,
                    .collect = {},
                    .work_directory = work.path()})
      .round;
}

std::uint64_t counter(const reports::Round& round, const std::string& name) {
  for (const reports::CounterValue& each : round.counters) {
    if (each.name == name) return each.value;
  }
  ADD_FAILURE() << "no counter " << name;
  return 0;
}

std::vector<std::string> names_of_library() {
  std::vector<std::string> names;
  for (const ScenarioSummary& each : built_in_scenarios()) names.push_back(each.name);
  return names;
}

std::string test_name(std::string name) {
  for (char& letter : name) {
    if (std::isalnum(static_cast<unsigned char>(letter)) == 0) letter = '_';
  }
  return name;
}

class LibraryInProcess : public testing::TestWithParam<std::string> {};

// In lockstep, so that scenarios agree whose clients share names or ranges.
TEST_P(LibraryInProcess, AgreesWithAPlainDirectoryAndAMount) {
  Scenario scenario = small(GetParam());
  scenario.lockstep = true;
  const reports::Round here = run(scenario, "inproc", "default");
  ASSERT_EQ(here.void_reason, "");
  ASSERT_NE(here.results_hash, "");
  const reports::Round directory = run(scenario, "dir", "");
  ASSERT_EQ(directory.void_reason, "");
  EXPECT_EQ(here.results_hash, directory.results_hash);
  EXPECT_EQ(here.tree_hash, directory.tree_hash);
  if (!reason_not_to_mount().empty()) GTEST_SKIP() << "not on a mount: " << reason_not_to_mount();
  const reports::Round mount = run(scenario, "fuse", "default");
  ASSERT_EQ(mount.void_reason, "");
  EXPECT_EQ(here.results_hash, mount.results_hash);
  EXPECT_EQ(here.tree_hash, mount.tree_hash);
  // The kernel ends a write request at a page that it holds only a part of.
  EXPECT_LE(counter(here, "fuse_writes"), counter(mount, "fuse_writes"));
  // What else changes the file system is as many requests in process as through the kernel.
  for (const char* const name :
       {"bytes_written", "requests_create", "requests_open", "requests_unlink", "requests_rename",
        "requests_mkdir", "requests_fsync", "requests_flush", "requests_release"}) {
    EXPECT_EQ(counter(here, name), counter(mount, name)) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(All, LibraryInProcess, testing::ValuesIn(names_of_library()),
                         [](const auto& each) { return test_name(each.param); });

TEST(InProcess, EveryNamedVariantServesTheSameFiles) {
  const Scenario scenario = small("smoke");
  const reports::Round first = run(scenario, "inproc", "default");
  ASSERT_EQ(first.void_reason, "");
  for (const vfs::NamedVariant& variant : vfs::named_variants()) {
    const reports::Round round = run(scenario, "inproc", std::string(variant.name));
    EXPECT_EQ(round.void_reason, "") << variant.name;
    if (!variant.variant.has_strategies()) continue;  // keeps nothing that could be compared
    EXPECT_EQ(round.results_hash, first.results_hash) << variant.name;
    EXPECT_EQ(round.tree_hash, first.tree_hash) << variant.name;
  }
}

TEST(InProcess, TheClientsProcessIsObservedAndItsThreadsAreToldApart) {
  const reports::Round round = run(small("overwrite-4k"), "inproc", "mutex-pool");
  EXPECT_GT(round.process_cpu_ns, 0U);
  std::set<std::string> roles;
  for (const reports::Thread& thread : round.threads) roles.insert(thread.role);
  EXPECT_TRUE(roles.contains("client"));
  EXPECT_TRUE(roles.contains("vfs-io-worker"));
  EXPECT_TRUE(roles.contains("vfs-async-executor"));
}

TEST(InProcess, LargeWritesAreCutIntoRequests) {
  const Scenario scenario = parse_scenario(
      R"({"name": "s", "summary": "a", "stresses": "b", "jobs": [{"name": "j", "rw": "write",
          "bs": "64k", "size": "1m", "create": true}]})",
      "x.json");
  const reports::Round cut = run(scenario, "inproc", "default,max_write=4k");
  EXPECT_EQ(counter(cut, "fuse_writes"), 256U);
  EXPECT_EQ(counter(run(scenario, "inproc", "default"), "fuse_writes"), 16U);
}

using LockstepCase = std::tuple<std::string, std::string, std::string>;
class Lockstep : public testing::TestWithParam<LockstepCase> {};

TEST_P(Lockstep, CountsRepeatInFiveRuns) {
  const auto& [target, scenario_name, variant] = GetParam();
  if (target == "fuse" && !reason_not_to_mount().empty()) GTEST_SKIP() << reason_not_to_mount();
  Scenario scenario = small(scenario_name);
  scenario.lockstep = true;
  std::vector<reports::NamedValue> expected;
  for (int i = 0; i < 5; ++i) {
    const reports::Round round = run(scenario, target, variant);
    ASSERT_EQ(round.void_reason, "");
    const std::vector<reports::NamedValue> counts = reports::count_vector(round);
    ASSERT_GT(counts.size(), 20U);
    if (i == 0) expected = counts;
    EXPECT_EQ(reports::first_difference(expected, counts), "") << "run " << i;
  }
}

// direct_io: what the kernel's page cache gives up would be read again.
INSTANTIATE_TEST_SUITE_P(All, Lockstep,
                         testing::Combine(testing::Values("inproc", "fuse"),
                                          testing::Values("smoke", "shared-file-writers"),
                                          testing::Values("mutex-pool,direct_io=on",
                                                          "default,direct_io=on",
                                                          "best,direct_io=on")),
                         [](const auto& each) {
                           return test_name(std::get<0>(each.param) + "_" +
                                            std::get<1>(each.param) + "_" +
                                            std::get<2>(each.param));
                         });

TEST(LockstepSchedule, AnotherSeedIsAnotherSchedule) {
  // Each client writes where the others do: who comes last decides what is in the file.
  Scenario scenario = small("shared-file-writers");
  scenario.lockstep = true;
  const WorkDirectory work(fs::temp_directory_path());
  std::set<std::string> trees;
  for (std::uint64_t seed = 1; seed < 5; ++seed) {
    const TargetSpec target = parse_target("dir=" + work.path().string());
    trees.insert(run_round({.scenario = scenario,
                            .target = target,
                            .variant = "",
                            .placement = Placement::kFree,
                            .seed = seed,
                            .collect = {},
                            .work_directory = work.path()})
                     .round.tree_hash);
  }
  EXPECT_GT(trees.size(), 1U);
}

}  // namespace
}  // namespace vfsprof::harness
