// `vfsprof gate` and comparisons of builds as a user meets them, on real mounts; the candidate is
// the daemon with one planted fault (vfs/tests/canary).

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "harness/tests/command_fixture.h"
#include "vfs/base/unique_fd.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Json = nlohmann::json;

// One client, so that counts are exact.
constexpr const char* kScenario = R"({
  "name": "tiny", "summary": "a few writes", "stresses": "the gate", "seed": 7,
  "placement": "packed", "runtime_cap": "60s",
  "jobs": [{"name": "writer", "rw": "randwrite", "bs": "4k", "size": "256k", "numjobs": 1,
            "number_ios": 200, "prefill": true}]
})";

// Counts only: no verdict depends on how fast this machine is.
constexpr const char* kPolicy = R"({
  "schema_version": 1, "name": "exact", "budget": "100s", "looks": 2, "confidence": 0.8,
  "scenarios": [{"name": "./tiny.json"}],
  "metrics": [{"metric": "thread_wakes", "limit": {"absolute": 0}},
              {"metric": "bytes_copied", "limit": {"absolute": 0}},
              {"metric": "bytes_hashed", "limit": {"absolute": 0}}]
})";

class GateCommand : public CommandTest {
 protected:
  GateCommand() {
    std::ofstream(path("tiny.json")) << kScenario;
    std::ofstream(path("policy.json")) << kPolicy;
    // Two builds: as it is, and with a fault.
    const fs::path programs = program_directory();
    for (const auto& [build, daemon] :
         {std::pair{"same", "vfsprof-mount"}, std::pair{"canary", "vfsprof-mount-canary"}}) {
      fs::create_directories(path(build) / "bin");
      fs::create_symlink(programs / daemon, path(build) / "bin" / "vfsprof-mount");
    }
  }

  void SetUp() override {
    const UniqueFd device(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
    if (!device) GTEST_SKIP() << "needs /dev/fuse, which this user cannot open";
  }

  Outcome gate(const std::string& candidate, const std::string& fault) const {
    return run("VFSPROF_CANARY=" + fault +
               " vfsprof gate --policy policy.json --baseline-binary same --candidate-binary " +
               candidate + " --no-explanation --out out");
  }

  /// The verdict on a metric in gate.json.
  std::string verdict(const std::string& metric) const {
    const Json report = Json::parse(read_text(path("out/gate.json")));
    for (const Json& row : report["scenarios"][0]["metrics"]) {
      if (row["metric"] == metric) return row["verdict"];
    }
    return "absent";
  }
};

TEST_F(GateCommand, PassesTheSameBuild) {
  const Outcome outcome = gate("same", "none");
  EXPECT_EQ(outcome.code, 0) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("**passed**"), HasSubstr("equivalent")));
  EXPECT_EQ(verdict("thread_wakes"), "equivalent");
  EXPECT_TRUE(fs::exists(path("out/gate.md")));
  EXPECT_TRUE(fs::exists(path("out/gate.junit.xml")));
}

TEST_F(GateCommand, CatchesAWakeInTenOperations) {
  const Outcome outcome = gate("canary", "extra-wake:10");
  EXPECT_EQ(outcome.code, 1) << outcome.out << outcome.err;
  EXPECT_EQ(verdict("thread_wakes"), "regressed");
  EXPECT_EQ(verdict("bytes_copied"), "equivalent");
  EXPECT_EQ(verdict("bytes_hashed"), "equivalent");
}

// What is looked at more often than the correction knows is no longer sure.
TEST_F(GateCommand, LooksAsOftenAsThePolicySays) {
  std::string policy = kPolicy;
  policy.replace(policy.find("\"100s\", \"looks\": 2"), 18, "\"6s\", \"looks\": 1");
  std::ofstream(path("policy.json")) << policy;
  const Outcome outcome = gate("canary", "extra-copy");
  EXPECT_TRUE(outcome.code == 1 || outcome.code == 5) << outcome.err;  // a slow machine: too few
  EXPECT_EQ(outcome.out.find("every verdict was there"), std::string::npos) << outcome.out;
}

TEST_F(GateCommand, NamesThreadAndCategoryOfAWake) {
  const Outcome outcome =
      run("VFSPROF_CANARY=extra-wake vfsprof gate --policy policy.json --baseline-binary same "
          "--candidate-binary canary --out out");
  ASSERT_EQ(outcome.code, 1) << outcome.err;
  const Json report = Json::parse(read_text(path("out/gate.json")));
  const Json& cells = report["scenarios"][0]["moved_cells"];
  if (cells.empty()) GTEST_SKIP() << "this machine lets nobody sample: no cell can be named";
  EXPECT_EQ(cells[0]["role"], "mount_vfs") << cells;
  EXPECT_EQ(cells[0]["category"], "futex-wake") << cells;
  EXPECT_NE(cells[0]["counted"], "");
}

TEST_F(GateCommand, CatchesOneMoreCopy) {
  const Outcome outcome = gate("canary", "extra-copy");
  EXPECT_EQ(outcome.code, 1) << outcome.out << outcome.err;
  EXPECT_EQ(verdict("bytes_copied"), "regressed");
  EXPECT_EQ(verdict("thread_wakes"), "equivalent");
}

TEST_F(GateCommand, CatchesASlowerHash) {
  const Outcome outcome = gate("canary", "slow-hash:10");
  EXPECT_EQ(outcome.code, 1) << outcome.out << outcome.err;
  EXPECT_EQ(verdict("bytes_hashed"), "regressed");
}

TEST_F(GateCommand, TellsGithub) {
  const Outcome outcome =
      run("export VFSPROF_CANARY=extra-copy GITHUB_ACTIONS=true GITHUB_STEP_SUMMARY=summary.md; "
          "vfsprof gate --policy policy.json --baseline-binary same --candidate-binary canary "
          "--no-explanation --out out");
  EXPECT_EQ(outcome.code, 1) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("::error title=vfsprof gate%2C tiny::bytes_copied"));
  EXPECT_EQ(read_text(path("summary.md")), read_text(path("out/gate.md")));
}

TEST_F(GateCommand, JudgesStoredResultsAndRefusesDamagedOnes) {
  const std::string measure =
      "vfsprof run --scenario ./tiny.json --variant default --rounds 6 --profile-rounds 0 "
      "--no-floor --out ";
  ASSERT_EQ(run(measure + "a").code, 0);
  ASSERT_EQ(run(measure + "b").code, 0);
  std::string policy = kPolicy;
  policy.replace(policy.find("./tiny.json"), 11, "tiny");
  std::ofstream(path("stored.json")) << policy;
  const std::string gate = "vfsprof gate --policy stored.json --baseline a/run.json --candidate ";
  const Outcome same = run(gate + "b/run.json --out out");
  EXPECT_EQ(same.code, 0) << same.out << same.err;
  EXPECT_EQ(verdict("bytes_copied"), "equivalent");
  EXPECT_EQ(run("head -c 2000 b/run.json > cut.json; " + gate + "cut.json --out out").code, 2);
  EXPECT_EQ(run("sed 's/\"seed\":7/\"seed\":8/' b/run.json > other.json; " + gate +
                "other.json --out out")
                .code,
            2);
  EXPECT_EQ(run(gate + "absent.json --out out").code, 2);
}

TEST_F(GateCommand, BadInputIsRefused) {
  for (const char* const arguments :
       {"--policy policy.json",
        "--policy absent.json --baseline-binary same --candidate-binary same",
        "--policy policy.json --baseline-binary same",
        "--policy policy.json --baseline-binary same --candidate-binary absent",
        "--policy policy.json --baseline a.json --candidate-binary same",
        "--policy tiny.json --baseline-binary same --candidate-binary same"}) {
    EXPECT_EQ(run(std::string("vfsprof gate ") + arguments).code, 2) << arguments;
  }
  EXPECT_EQ(run("vfsprof compare --scenario ./tiny.json --binary same").code, 2);
  EXPECT_EQ(run("vfsprof compare --scenario ./tiny.json --binary same --binary absent").code, 2);
  EXPECT_EQ(
      run("vfsprof compare --scenario ./tiny.json --binary same --binary same --budget soon").code,
      2);
}

TEST_F(GateCommand, ComparesTwoBuildsWithinABudget) {
  const Outcome outcome =
      run("VFSPROF_CANARY=sleep-50us vfsprof compare --scenario ./tiny.json --binary same --binary "
          "canary --budget 6s --profile-rounds 0 --no-floor --json --out ab");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const Json report = Json::parse(outcome.out);
  EXPECT_EQ(report["comparisons"].size(), 1U);  // the control is not one
  EXPECT_EQ(report["arms"].size(), 2U);         // nor one of the arms
  EXPECT_NE(report["comparisons"][0].dump().find("control arm"), std::string::npos);
  EXPECT_EQ(read_text("/proc/mounts").find(work_.path().string()), std::string::npos);
}

}  // namespace
}  // namespace vfsprof::harness
