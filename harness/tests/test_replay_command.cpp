// Replays and targets as a user meets them on real mounts: interrupts, differences, lockstep.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/process.h"
#include "harness/run/work_directory.h"
#include "harness/tests/mount_fixture.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// Writes part of a page, reads it back, and asks for the size.
const std::vector<std::string> kReadsBack{
    R"({"client": 0, "op": "create", "path": "f", "fd": 0, "expect": 0})",
    R"({"client": 0, "op": "write", "fd": 0, "offset": 100, "size": 4096, "expect": 4096})",
    R"({"client": 0, "op": "read", "fd": 0, "offset": 0, "size": 8192, "expect": 4196})",
    R"({"client": 0, "op": "close", "fd": 0, "expect": 0})",
    R"({"client": 0, "op": "stat", "path": "f", "expect": 4196})",
    R"({"client": 0, "op": "stat", "path": "g", "expect": "ENOENT"})"};

/// Two clients that write every 10 ms for 1.5 s.
std::vector<std::string> paced_writes() {
  std::vector<std::string> lines{R"({"client": 0, "op": "create", "path": "a", "fd": 0})",
                                 R"({"client": 1, "op": "create", "path": "b", "fd": 1})"};
  for (int i = 0; i < 300; ++i) {
    const std::string who = std::to_string(i % 2);
    lines.push_back(R"({"op": "write", "offset": 0, "size": 4096, "client": )" + who +
                    R"(, "fd": )" + who + R"(, "at_ns": )" + std::to_string(i * 5'000'000) + "}");
  }
  return lines;
}

class ReplayCommand : public ::testing::Test {
 protected:
  ReplayCommand() : work_(fs::temp_directory_path()) {}
  void SetUp() override {
    if (const std::string reason = reason_not_to_mount(); !reason.empty()) GTEST_SKIP() << reason;
  }

  fs::path path(const std::string& name) const { return work_.path() / name; }
  std::string text(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void record(const std::string& name, const std::vector<std::string>& operations) const {
    std::ofstream file(path(name));
    file << R"({"format": 1, "name": "r", "summary": "a", "stresses": "b"})"
         << "\n";
    for (const std::string& operation : operations) file << operation << "\n";
    file << R"({"end": {"operations": )" << operations.size() << "}}\n";
  }

  /// Runs a shell command in the test's directory; output and errors go to out.txt and err.txt.
  int run(const std::string& command) const {
    const std::string line = "cd '" + work_.path().string() + "' && export PATH='" +
                             program_directory().string() + "':$PATH && { " + command +
                             "; } >out.txt 2>err.txt </dev/null";
    const int status = std::system(line.c_str());  // NOLINT(concurrency-mt-unsafe): one thread
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  void expect_nothing_left_behind() const {
    std::ifstream mounts("/proc/mounts");
    const std::string listed{std::istreambuf_iterator<char>(mounts), {}};
    EXPECT_THAT(listed, Not(HasSubstr(work_.path().string())));
    for (const auto& entry : fs::recursive_directory_iterator(work_.path())) {
      EXPECT_THAT(entry.path().filename().string(), Not(HasSubstr("vfsprof-work")));
    }
  }

  WorkDirectory work_;
};

constexpr const char* kOneRound =
    " --rounds 1 --profile-rounds 0 --trace-rounds 0 --warm-up-rounds 0 --no-floor --out out ";

TEST_F(ReplayCommand, AnInterruptLeavesNothingMountedAndAValidPartialResult) {
  record("r.jsonl", paced_writes());
  // The second round has begun its replay when the signal comes: its first half second.
  const int code =
      run("vfsprof run --scenario r.jsonl --timing recorded --variant default --rounds 100 "
          "--profile-rounds 0 --trace-rounds 0 --warm-up-rounds 0 --no-floor --out out & pid=$!; "
          "while ! grep -q '^vfsprof: 2/' err.txt; do sleep 0.05; done; sleep 0.5; kill -INT $pid; "
          "wait $pid");
  EXPECT_EQ(code, 130) << text("err.txt");
  expect_nothing_left_behind();
  const Json result = Json::parse(text("out/run.json"));
  EXPECT_TRUE(result.at("partial").get<bool>());
  ASSERT_EQ(result.at("rounds").size(), 1U);
  EXPECT_EQ(result.at("rounds").at(0).at("void_reason"), "");
  EXPECT_EQ(run("vfsprof report out/run.json && vfsprof lint out/run.json"), 0) << text("err.txt");
}

TEST_F(ReplayCommand, AnInterruptOfTheFirstReplayLeavesNothingMounted) {
  record("r.jsonl", paced_writes());
  const int code =
      run("vfsprof run --scenario r.jsonl --timing recorded --variant default" +
          std::string(kOneRound) +
          "& pid=$!; while ! grep -q '^vfsprof: 1/' err.txt; do sleep 0.05; done; sleep 0.5; "
          "kill -INT $pid; wait $pid");
  EXPECT_EQ(code, 130) << text("err.txt");
  EXPECT_FALSE(fs::exists(path("out/run.json")));
  expect_nothing_left_behind();
}

TEST_F(ReplayCommand, AMountThatLosesWhatIsWrittenIsNamedByItsFirstDifference) {
  record("r.jsonl", kReadsBack);
  ASSERT_EQ(run("vfsprof run --scenario r.jsonl --target dir=." + std::string(kOneRound)), 0)
      << text("err.txt");
  const Mount forgets("null,direct_io=on");
  EXPECT_EQ(run("vfsprof run --scenario r.jsonl --target external='" + forgets.root().string() +
                "'" + kOneRound),
            3);
  EXPECT_THAT(text("err.txt"),
              AllOf(HasSubstr("a round is void: 2 of 6 results differ from the recorded ones"),
                    HasSubstr("line 4: read of f at offset 0 gave '0' where '4196' is expected"),
                    HasSubstr("line 6: stat of f gave '0' where '4196' is expected")));
}

TEST_F(ReplayCommand, TargetsThatDisagreeAreVoidAndTheFirstDifferenceIsNamed) {
  std::ofstream(path("s.json")) << R"({"name": "s", "summary": "a", "stresses": "b",
    "filesets": [{"name": "set", "nrfiles": 20, "existing": 0}],
    "jobs": [{"name": "j", "loops": 20, "steps": [
      {"op": "create", "set": "set"}, {"op": "append", "size": 4096}, {"op": "close"},
      {"op": "stat", "set": "set", "pick": "same"}]}]})";
  const Mount forgets("null");
  const std::string compare =
      "vfsprof compare --scenario ./s.json --rounds 2 --profile-rounds 0 --trace-rounds 0 "
      "--warm-up-rounds 0 --json --out out --target dir=. --target external=";
  const auto void_comparisons = [&](const Mount& mount) {
    EXPECT_EQ(run(compare + "'" + mount.root().string() + "'"), 0) << text("err.txt");
    std::vector<Json> found;
    const Json report = Json::parse(text("out.txt"));
    for (const Json& each : report.at("comparisons")) {
      if (each.at("verdict") == "void") found.push_back(each);
    }
    return found;
  };
  const std::vector<Json> found = void_comparisons(forgets);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found[0].at("void_reasons").dump(),
              AllOf(HasSubstr("stat of set/"), HasSubstr("`4096` against `0`")));
  EXPECT_TRUE(void_comparisons(Mount("default")).empty());
}

TEST_F(ReplayCommand, TheNullHandlerStandsBesideARecordingThatReadsBack) {
  record("r.jsonl", kReadsBack);
  ASSERT_EQ(run("vfsprof run --scenario r.jsonl --variant default --rounds 2 --profile-rounds 0 "
                "--trace-rounds 0 --warm-up-rounds 0 --json --out out"),
            0)
      << text("err.txt");
  const Json floors = Json::parse(text("out.txt")).at("floors");
  ASSERT_EQ(floors.at("arms").size(), 1U);
  EXPECT_TRUE(floors.at("arms").at(0).at("void_rounds").empty()) << floors.at("arms").dump();
  EXPECT_EQ(floors.at("arms").at(0).at("metrics").at(0).at("pairs"), 2);
}

TEST_F(ReplayCommand, LockstepGoesAroundThePageCacheAndSaysSo) {
  std::ofstream(path("s.json")) << R"({"name": "s", "summary": "a", "stresses": "b",
    "jobs": [{"name": "j", "rw": "randrw", "size": "256k", "number_ios": 100, "numjobs": 2,
              "prefill": true}]})";
  ASSERT_EQ(run("vfsprof run --scenario ./s.json --variant default --lockstep --rounds 3 "
                "--profile-rounds 0 --trace-rounds 0 --warm-up-rounds 0 --no-floor --json --out "
                "out"),
            0)
      << text("err.txt");
  const Json report = Json::parse(text("out.txt"));
  EXPECT_EQ(report.at("lockstep").at("rounds"), 3);
  EXPECT_TRUE(report.at("lockstep").at("differences").empty());
  EXPECT_THAT(report.at("arms").at(0).at("canonical").dump(), HasSubstr("direct_io=on"));
  EXPECT_THAT(report.at("warnings").dump(), HasSubstr("in lockstep default ran with direct_io=on"));
  std::uint64_t reads = 0;
  std::uint64_t requests = 0;
  const Json round = Json::parse(text("out/run.json")).at("rounds").at(0);
  for (const Json& operation : round.at("operations")) {
    if (operation.at("kind") == "read") reads = operation.at("count");
  }
  for (const Json& counter : round.at("counters")) {
    if (counter.at("name") == "requests_read") requests = counter.at("value");
  }
  EXPECT_GT(reads, 50U);
  EXPECT_EQ(requests, reads);
}

}  // namespace
}  // namespace vfsprof::harness
