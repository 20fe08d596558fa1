// The programs as a user meets them: output, files, exit codes, and what is left behind.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "harness/tests/command_fixture.h"
#include "harness/tests/mount_fixture.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

// A few hundred operations: enough for every table to exist, too few to take time.
constexpr const char* kTinyScenario = R"({
  "name": "tiny", "summary": "a few writes", "stresses": "the harness", "seed": 7,
  "placement": "packed", "runtime_cap": "60s",
  "jobs": [{"name": "writers", "rw": "randwrite", "bs": "4k", "size": "256k", "numjobs": 2,
            "number_ios": 500, "prefill": true, "end_fsync": true}]
})";

class CommandLine : public CommandTest {
 protected:
  CommandLine() { std::ofstream(path("tiny.json")) << kTinyScenario; }

  std::string quoted(const std::string& name) const { return "'" + path(name).string() + "'"; }

  void expect_nothing_left_behind() const {
    EXPECT_THAT(read_text("/proc/mounts"), ::testing::Not(HasSubstr(work_.path().string())));
    for (const auto& entry : fs::recursive_directory_iterator(work_.path())) {
      EXPECT_THAT(entry.path().filename().string(), ::testing::Not(HasSubstr("vfsprof-work")));
      EXPECT_THAT(entry.path().filename().string(), ::testing::Not(HasSubstr(".tmp")));
    }
  }
};

TEST_F(CommandLine, BadInputNamesTheOffenderAndWhatIsAllowed) {
  struct Case {
    const char* command;
    std::vector<std::string> said;
  };
  const Case cases[] = {
      {"vfsprof run --scenario nonsense --variant mutex-pool",
       {"nonsense", "smoke", "dirty-overwrite"}},
      {"vfsprof run --scenario smoke --variant nonsense", {"nonsense", "mutex-pool", "sync-path"}},
      {"vfsprof run --scenario smoke --variant mutex-pool,poll=tbb", {"poll", "pool"}},
      {"vfsprof run --scenario smoke --variant mutex-pool,pool=nonsense",
       {"nonsense", "sharded", "tbb"}},
      {"vfsprof run --scenario smoke --variant mutex-pool,pool=tbb,hash=fx",
       {"vfs/variants.def", "tbb"}},
      {"vfsprof run --scenario smoke --variant mutex-pool,max_write=5k", {"5k", "128k"}},
      {"vfsprof run --scenario smoke --variant mutex-pool --placement nowhere",
       {"nowhere", "packed"}},
      {"vfsprof run --scenario smoke --variant mutex-pool --target nowhere",
       {"nowhere", "dir=PATH"}},
      {"vfsprof run --scenario smoke --target dir=/nonexistent", {"/nonexistent"}},
      {"vfsprof run --scenario smoke --variant sync-path --event nonsense", {"nonsense", "cycles"}},
      {"vfsprof compare --scenario smoke", {"--variant"}},
      {"vfsprof run --scenario smoke --variant mutex-pool --out /proc/nowhere",
       {"/proc/nowhere", "--out"}},
      {"vfsprof compare --scenario smoke --variant mutex-pool", {"--variant"}},
      {"vfsprof compare --scenario floors --variant mutex-pool --variant sync-path",
       {"floors", "vfsprof run"}},
      {"vfsprof run --scenario floors --work-dir absent", {"absent", "--work-dir"}},
      {"vfsprof report absent.json", {"absent.json", "does not exist"}},
      {"vfsprof report tiny.json", {"tiny.json"}},
      {"vfsprof report . ", {"no readable file"}},
      {"vfsprof list nonsense", {"nonsense", "scenarios"}},
      {"vfsprof nonsense", {"nonsense"}},
      {"vfsprof-mount absent --cache-dir . --variant mutex-pool", {"absent", "mkdir"}},
      {"vfsprof-mount tiny.json --cache-dir .", {"not a directory"}},
      {"vfsprof-mount /proc --cache-dir .", {"/proc", "busy"}},
      {"vfsprof run --scenario smoke --variant null,pool=mutex", {"null", "pool", "only replies"}},
      {"vfsprof run --scenario smoke --variant sync-path,direct_io=on,writeback=on",
       {"direct_io=on", "writeback=on", "page cache"}},
      {"vfsprof-mount . --variant sync-path", {"--cache-dir"}},
      {"mkdir m; vfsprof-mount m --cache-dir . --variant sync-path,copy=nonsense",
       {"nonsense", "direct"}},
      {"mkdir -p m; vfsprof-mount m --cache-dir . --store nonsense", {"nonsense", "memory"}},
      {"mkdir -p m; vfsprof-mount m --cache-dir absent", {"absent"}},
      {"mkdir -p m; vfsprof-mount m --cache-dir tiny.json", {"tiny.json"}},
  };
  for (const Case& each : cases) {
    const Outcome outcome = run(each.command);
    EXPECT_TRUE(outcome.code == 2 || outcome.code == 3)
        << each.command << "\nexit code " << outcome.code;
    for (const std::string& word : each.said) {
      EXPECT_THAT(outcome.err, HasSubstr(word)) << each.command;
    }
    EXPECT_EQ(outcome.out, "") << each.command;
  }
  expect_nothing_left_behind();
}

TEST_F(CommandLine, ScenarioErrorsPointIntoTheFile) {
  std::ofstream(path("bad-key.json"))
      << R"({"name": "x", "summary": "s", "stresses": "t", "jobs": [{"name": "j", "rw": "write", "blocksize": "4k", "size": "4k"}]})";
  std::ofstream(path("bad-value.json"))
      << R"({"name": "x", "summary": "s", "stresses": "t", "jobs": [{"name": "j", "rw": "sideways", "bs": "4k", "size": "4k"}]})";
  std::ofstream(path("malformed.json")) << "{\"name\": \"x\",\n  oops\n}";
  const Outcome key = run("vfsprof run --variant mutex-pool --scenario ./bad-key.json");
  EXPECT_EQ(key.code, 2);
  EXPECT_THAT(key.err,
              AllOf(HasSubstr("bad-key.json"), HasSubstr("/jobs/0"), HasSubstr("blocksize")));
  const Outcome value = run("vfsprof run --variant mutex-pool --scenario ./bad-value.json");
  EXPECT_EQ(value.code, 2);
  EXPECT_THAT(value.err,
              AllOf(HasSubstr("/jobs/0/rw"), HasSubstr("sideways"), HasSubstr("randwrite")));
  const Outcome malformed = run("vfsprof run --variant mutex-pool --scenario ./malformed.json");
  EXPECT_EQ(malformed.code, 2);
  EXPECT_THAT(malformed.err, AllOf(HasSubstr("malformed.json"), HasSubstr("2")));
}

TEST_F(CommandLine, ListsAndHelpNameEverything) {
  const Outcome list = run("vfsprof list");
  EXPECT_EQ(list.code, 0);
  for (const char* word :
       {"smoke", "dirty-overwrite", "analysis-burst", "mutex-pool", "sharded-pool", "sync-path",
        "pool=tbb", "hash=fx", "executor=block_on", "clone_fd", "direct_io=on,writeback=on",
        "usage", "sampler", "md", "json", "fuse"}) {
    EXPECT_THAT(list.out, HasSubstr(word));
  }
  const Outcome help = run("vfsprof --help");
  EXPECT_EQ(help.code, 0);
  EXPECT_THAT(help.out, AllOf(HasSubstr("compare"), HasSubstr("doctor"), HasSubstr("Exit codes")));
  const Outcome doctor = run("vfsprof doctor");
  EXPECT_TRUE(doctor.code == 0 || doctor.code == 3);
  EXPECT_THAT(doctor.out, AllOf(HasSubstr("/dev/fuse"), HasSubstr("fusermount3")));
}

TEST_F(CommandLine, RunWritesAResultThatCanBeRenderedAgain) {
  if (const std::string reason = reason_not_to_mount(); !reason.empty()) GTEST_SKIP() << reason;
  const Outcome outcome =
      run("vfsprof run --scenario ./tiny.json --variant mutex-pool --rounds 1 --profile-rounds 1 "
          "--out out");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out,
              AllOf(HasSubstr("mount_vfs"), HasSubstr("vfs-io-worker"), HasSubstr("unclassified")));
  EXPECT_EQ(outcome.out, read_text(path("out/report.md")));
  const auto report = nlohmann::json::parse(read_text(path("out/report.json")));
  EXPECT_TRUE(report.is_object());
  // Links are for the files beside report.md only.
  const std::string links = "Flame graphs: [mutex-pool](flamegraph-mutex-pool.svg).\n\n";
  const std::size_t at = outcome.out.find(links);
  ASSERT_NE(at, std::string::npos);
  EXPECT_EQ(run("vfsprof report out/run.json").out,
            std::string(outcome.out).erase(at, links.size()));
  EXPECT_EQ(run("vfsprof report out/run.json --format flamegraph").out,
            read_text(path("out/flamegraph-mutex-pool.svg")));
  EXPECT_EQ(run("vfsprof report out/run.json --format folded --out a.folded").code, 0);
  EXPECT_THAT(read_text(path("a.folded")), HasSubstr("mount_vfs;"));
  for (const char* file : {"run.json", "report.json", "report.md"}) {
    const Outcome lint = run(std::string("vfsprof lint out/") + file);
    EXPECT_EQ(lint.code, 0) << lint.out << lint.err;
  }
  EXPECT_EQ(run("vfsprof report out/run.json --format json").out,
            read_text(path("out/report.json")));
  EXPECT_EQ(std::distance(fs::directory_iterator(path("out")), fs::directory_iterator()), 4);
  expect_nothing_left_behind();
}

TEST_F(CommandLine, NullRunsWhateverOnlyWrites) {
  if (const std::string reason = reason_not_to_mount(); !reason.empty()) GTEST_SKIP() << reason;
  const Outcome outcome =
      run("vfsprof run --scenario ./tiny.json --variant null,max_write=4k --rounds 1 "
          "--profile-rounds 0 --out out");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto arm = nlohmann::json::parse(read_text(path("out/run.json"))).at("arms").at(0);
  EXPECT_EQ(arm.at("canonical").get<std::string>(),
            "null,max_write=4k,threads=1,clone_fd=off,writeback=off,splice=off,direct_io=off");
  EXPECT_EQ(arm.at("axes").size(), 6u);
  expect_nothing_left_behind();
}

TEST_F(CommandLine, ARunOfNoNamedVariantTakesTheDefault) {
  const Outcome outcome =
      run("vfsprof run --scenario ./tiny.json --target inproc --rounds 1 --profile-rounds 0 "
          "--trace-rounds 0 --no-floor --out out");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto arm = nlohmann::json::parse(read_text(path("out/run.json"))).at("arms").at(0);
  EXPECT_EQ(arm.at("name").get<std::string>(), "default");
  EXPECT_EQ(run("vfsprof compare --scenario ./tiny.json --out out").code, 2);
}

TEST_F(CommandLine, ARunHasFewerRoundsWhereAllWouldTakeTooLong) {
  const std::string command =
      "vfsprof run --scenario ./tiny.json --target inproc --variant mutex-pool --no-floor "
      "--trace-rounds 0 --json ";
  EXPECT_EQ(run(command + "--budget soon --out out").code, 2);
  const Outcome few =
      run(command + "--rounds 1000 --profile-rounds 1000 --budget 1s --out few >report.json");
  ASSERT_EQ(few.code, 0) << few.err;
  const Outcome all = run(command + "--rounds 6 --out all >report.json");
  ASSERT_EQ(all.code, 0) << all.err;
  const auto rounds_of = [this](const char* file) {
    return nlohmann::json::parse(read_text(path(file))).at("rounds").size();
  };
  EXPECT_GE(rounds_of("few/run.json"), 4u);
  EXPECT_LT(rounds_of("few/run.json"), 2000u);
  EXPECT_EQ(rounds_of("all/run.json"), 12u);
  EXPECT_THAT(read_text(path("few/report.md")), HasSubstr(" of 1000 rounds of each kind"));
}

TEST_F(CommandLine, FloorsMeasureTheMachineByItself) {
  const Outcome outcome =
      run("mkdir disk && vfsprof run --scenario floors --work-dir disk --placement free --out out");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("minor page fault"), HasSubstr("O_DIRECT"),
                                 HasSubstr("free: threads"), HasSubstr("disk")));
  const auto report = nlohmann::json::parse(read_text(path("out/report.json")));
  for (const auto& floor : report.at("floors").at("machine")) {
    EXPECT_NE(floor.at("value").is_null(), floor.at("unavailable").get<std::string>().empty());
  }
  EXPECT_EQ(run("vfsprof report out/run.json").out, outcome.out);
  expect_nothing_left_behind();
}

TEST_F(CommandLine, AResultStandsBesideItsFloorUnlessItIsLeftOut) {
  if (const std::string reason = reason_not_to_mount(); !reason.empty()) GTEST_SKIP() << reason;
  const std::string command =
      "vfsprof run --scenario ./tiny.json --variant sync-path --rounds 2 --profile-rounds 0 --json "
      "--out out";
  const auto floors = [&](const std::string& arguments) {
    const Outcome outcome = run(command + arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return nlohmann::json::parse(outcome.out).at("floors");
  };
  const auto left_out = floors(" --no-floor");
  EXPECT_THAT(left_out.at("absent").get<std::string>(), HasSubstr("--no-floor"));
  EXPECT_TRUE(left_out.at("arms").empty() && left_out.at("machine").empty());
  const auto there = floors("");
  EXPECT_GE(there.at("machine").size(), 5u);
  ASSERT_EQ(there.at("absent").get<std::string>(), "");
  const auto& arm = there.at("arms").at(0);
  EXPECT_TRUE(arm.at("void_rounds").empty()) << arm.at("void_rounds").dump();
  EXPECT_EQ(arm.at("metrics").at(0).at("pairs"), 2);
  EXPECT_GT(arm.at("metrics").at(0).at("null_handler").get<double>(), 0);
  expect_nothing_left_behind();
}

TEST_F(CommandLine, ATruncatedResultIsBadInput) {
  if (const std::string reason = reason_not_to_mount(); !reason.empty()) GTEST_SKIP() << reason;
  ASSERT_EQ(run("vfsprof run --scenario ./tiny.json --variant sync-path --rounds 1 "
                "--profile-rounds 0 --out out")
                .code,
            0);
  fs::resize_file(path("out/run.json"), fs::file_size(path("out/run.json")) / 2);
  const Outcome outcome = run("vfsprof report out/run.json");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("run.json"));
}

TEST_F(CommandLine, CompareGivesMetricsForBothVariants) {
  if (const std::string reason = reason_not_to_mount(); !reason.empty()) GTEST_SKIP() << reason;
  const Outcome outcome = run(
      "vfsprof compare --scenario ./tiny.json --variant mutex-pool --variant sync-path --rounds 6 "
      "--profile-rounds 1 --out out --json");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(nlohmann::json::parse(outcome.out).is_object());
  EXPECT_THAT(read_text(path("out/report.md")),
              AllOf(HasSubstr("mutex-pool"), HasSubstr("sync-path")));
  expect_nothing_left_behind();
}

TEST_F(CommandLine, TheSameSeedGivesTheSameOperationsOnEveryTarget) {
  if (const std::string reason = reason_not_to_mount(); !reason.empty()) GTEST_SKIP() << reason;
  const auto hashes = [&](const std::string& arguments) {
    const Outcome outcome = run(
        "vfsprof run --scenario ./tiny.json --rounds 1 --profile-rounds 0 --out out " + arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    const auto round = nlohmann::json::parse(read_text(path("out/run.json"))).at("rounds").at(0);
    return std::pair(round.at("tree_hash").get<std::string>(),
                     round.at("results_hash").get<std::string>());
  };
  const auto mounted = hashes("--variant mutex-pool");
  EXPECT_EQ(mounted, hashes("--variant sync-path"));
  EXPECT_EQ(mounted, hashes("--target dir=."));
  EXPECT_NE(mounted.first, hashes("--variant mutex-pool --seed 8").first);
}

TEST_F(CommandLine, AnInterruptLeavesNothingBehindAndKeepsWhatWasMeasured) {
  if (const std::string reason = reason_not_to_mount(); !reason.empty()) GTEST_SKIP() << reason;
  // The shell waits for the second timing round to begin, then interrupts.
  const Outcome outcome = run(
      "vfsprof run --scenario ./tiny.json --variant mutex-pool --rounds 1000 --out out & pid=$!; "
      "while ! grep -q '^vfsprof: 3/' stderr.txt; do sleep 0.05; done; kill -INT $pid; wait $pid");
  EXPECT_EQ(outcome.code, 130) << outcome.err;
  EXPECT_TRUE(nlohmann::json::parse(read_text(path("out/run.json"))).at("partial").get<bool>());
  expect_nothing_left_behind();
}

TEST_F(CommandLine, AFullDiskEndsTheRunWithItsReason) {
  if (const std::string reason = reason_not_to_mount(); !reason.empty()) GTEST_SKIP() << reason;
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to mount a small tmpfs";
  fs::create_directory(path("small"));
  ASSERT_EQ(::mount("tmpfs", path("small").c_str(), "tmpfs", 0, "size=512k"), 0);
  const Outcome outcome =
      run("vfsprof run --scenario ./tiny.json --variant mutex-pool --rounds 1 --out out --work-dir "
          "small");
  ::umount2(path("small").c_str(), MNT_DETACH);
  EXPECT_EQ(outcome.code, 3) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("holds up to 532480 bytes"));
  expect_nothing_left_behind();
}

TEST_F(CommandLine, AnOrdinaryUserGetsAReportThatSaysWhatWasLost) {
  if (::geteuid() != 0)
    GTEST_SKIP() << "needs root to become an ordinary user with an open /dev/fuse";
  if (::access("/dev/fuse", F_OK) != 0) GTEST_SKIP() << "needs /dev/fuse";
  // In a mount namespace of its own, so that nobody else's /dev/fuse changes.
  const std::string as_user =
      "unshare -m sh -c 'mount -t tmpfs tmpfs dev && mknod dev/fuse c 10 229 && chmod 666 dev/fuse "
      "&& "
      "mount --bind dev/fuse /dev/fuse && exec setpriv --reuid=65534 --regid=65534 --clear-groups "
      "\"$@\"' sh ";
  fs::create_directory(path("dev"));
  fs::create_directory(path("out"));
  fs::permissions(work_.path(), fs::perms::all);
  fs::permissions(path("out"), fs::perms::all);
  if (run(as_user + "vfsprof --version").code != 0) {
    GTEST_SKIP()
        << "an ordinary user cannot reach the programs under test, or unshare is not allowed: "
        << read_text(path("stderr.txt"));
  }
  const Outcome outcome = run(as_user +
                              "vfsprof run --scenario ./tiny.json --variant mutex-pool --rounds 1 "
                              "--profile-rounds 1 --out out");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("mount_vfs"));
  EXPECT_THAT(outcome.out, HasSubstr("perf_event_paranoid"));
  expect_nothing_left_behind();
}

}  // namespace
}  // namespace vfsprof::harness
