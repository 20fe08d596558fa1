// vfsprof-mount --record: what it writes can be replayed, on a plain directory and on a mount.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include "harness/process.h"
#include "harness/run/work_directory.h"
#include "harness/scenario/client.h"
#include "harness/scenario/operation_list.h"
#include "harness/scenario/recording.h"
#include "harness/scenario/tree_hash.h"
#include "harness/tests/mount_fixture.h"
#include "vfs/fuse/unmount.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Record : public ::testing::Test {
 protected:
  Record() : work_(fs::temp_directory_path()) {}
  void SetUp() override {
    if (const std::string reason = reason_not_to_mount(); !reason.empty()) GTEST_SKIP() << reason;
    fs::create_directory(mount_point());
    fs::create_directory(work_.path() / "cache");
  }
  void TearDown() override {
    daemon_.reset();
    vfs::unmount(mount_point());
  }

  fs::path mount_point() const { return work_.path() / "mnt"; }
  fs::path file() const { return work_.path() / "r.jsonl"; }

  void start(const std::string& variant = "default", const std::string& store = "memory") {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd in(ends[0]);
    UniqueFd out(ends[1]);
    daemon_.emplace(ChildOptions{
        .command = {(program_directory() / "vfsprof-mount").string(), mount_point().string(),
                    "--variant", variant, "--cache-dir", (work_.path() / "cache").string(),
                    "--store", store, "--memory-budget", "256MB", "--record", file().string(),
                    "--ready-fd", "5"},
        .fds = {{out.get(), 5}},
        .before_exec = {}});
    out.reset();
    char byte = 0;
    ASSERT_EQ(::read(in.get(), &byte, 1), 1) << "the daemon did not start";
  }

  /// Ends the daemon, and returns what it recorded.
  Scenario stop(int signal) {
    ::kill(daemon_->pid(), signal);
    EXPECT_TRUE(daemon_->wait().ok());
    daemon_.reset();
    return load_scenario(file());
  }

  int shell(const std::string& command) const {
    const std::string line = "cd '" + mount_point().string() + "' && { " + command + "; } >'" +
                             (work_.path() / "log.txt").string() + "' 2>&1 </dev/null";
    return std::system(line.c_str());  // NOLINT(concurrency-mt-unsafe): one thread
  }

  std::string run(const Scenario& scenario, const fs::path& directory) {
    fs::create_directories(directory);
    ClientProcess clients(
        scenario,
        {.directory = directory, .placement = Placement::kFree, .program = VFSPROF_TEST_CLIENT});
    clients.wait_until_ready();
    clients.go();
    const ClientResult result = clients.wait();
    clients.finish();
    return result.failure;
  }

  std::vector<std::string> names_and_sizes(const fs::path& directory) const {
    std::vector<std::string> lines;
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
      const bool is_file = entry.is_regular_file() && !entry.is_symlink();
      lines.push_back(entry.path().lexically_relative(directory).string() + " " +
                      std::to_string(is_file ? entry.file_size() : 0));
    }
    std::ranges::sort(lines);
    return lines;
  }

  WorkDirectory work_;
  std::optional<ChildProcess> daemon_;
};

constexpr const char* kShell =
    "mkdir -p d/e; echo hello > d/e/f; cat d/e/f; ls -la . d; mv d g; ln g/e/f g/h; "
    "ln -s ../x g/l; ln -s /etc/passwd g/m; readlink g/m; tar cf g/t.tar g/e; tar xf g/t.tar -C g; "
    "rm -r g/g; dd if=/dev/zero of=big bs=64k count=10 conv=fsync; truncate -s 5000 big; "
    "chmod 600 big; touch -d 2001-01-01 big; sync big; stat big; echo x >> big; mkdir z; "
    "( for i in 1 2 3 4 5; do echo $i >> z/a; cat z/a; done ) & "
    "( for i in 1 2 3 4 5; do echo $i > z/b$i; mv z/b$i z/c$i; done ) & wait; ls z";

TEST_F(Record, WhatProgramsDidIsReplayedWithTheSameResults) {
  start();
  ASSERT_EQ(shell(kShell), 0);
  const std::vector<std::string> left = names_and_sizes(mount_point());
  const Scenario scenario = stop(SIGTERM);
  EXPECT_FALSE(vfs::mount_point_state(mount_point()) == vfs::MountPointState::kMounted);
  EXPECT_GT(scenario.recording->operations, 150U);
  EXPECT_GT(scenario.jobs.size(), 5U);
  EXPECT_EQ(run(scenario, work_.path() / "plain"), "");
  EXPECT_EQ(names_and_sizes(work_.path() / "plain"), left);
  const Mount mount("default");
  EXPECT_EQ(run(scenario, mount.root()), "");
  EXPECT_EQ(names_and_sizes(mount.root()), left);
}

TEST_F(Record, TheFileIsWholeHoweverTheDaemonEnds) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    start("mutex-pool");
    ASSERT_EQ(shell("echo x > a; cat a; rm a"), 0);
    EXPECT_GT(stop(signal).recording->operations, 3U);
  }
  start();
  ASSERT_EQ(shell("echo x > a"), 0);
  ASSERT_TRUE(vfs::unmount(mount_point()));
  EXPECT_TRUE(daemon_->wait().ok());
  daemon_.reset();
  EXPECT_GT(load_scenario(file()).recording->operations, 1U);
}

TEST_F(Record, ARecordingOnAFullDiskCostsNoFiles) {
  fs::create_symlink("/dev/full", file());
  start();
  ASSERT_EQ(shell("echo kept > a"), 0);
  ::kill(daemon_->pid(), SIGTERM);
  EXPECT_EQ(daemon_->wait().code, 3) << "the recording is not complete";
  daemon_.reset();
  fs::remove(file());
  start();
  EXPECT_EQ(shell("test $(cat a) = kept"), 0);
  stop(SIGTERM);
}

TEST_F(Record, WhatWasThereBeforeIsMadeBeforehand) {
  start();
  ASSERT_EQ(
      shell("mkdir old; head -c 70000 /dev/zero > old/f; echo > old/untouched; ln -s f old/l"), 0);
  stop(SIGTERM);
  start();
  ASSERT_EQ(shell("mv old new; cat new/f > copy; ls new; readlink new/l; echo >> new/f"), 0);
  const Scenario scenario = stop(SIGTERM);
  EXPECT_GE(scenario.recording->existing_bytes, 70000U);
  EXPECT_EQ(scenario.recording->existing_directories, 1U);
  EXPECT_EQ(scenario.recording->existing_files, 3U);
  EXPECT_EQ(run(scenario, work_.path() / "plain"), "");
}

TEST_F(Record, ALoadOfManyThreadsLosesNothing) {
  start("default,threads=4");
  Scenario load = load_scenario("smoke");
  ASSERT_EQ(run(load, mount_point()), "");
  const Scenario scenario = stop(SIGTERM);
  EXPECT_FALSE(scenario.recording->left_out.contains("without a reply at the end"));
  EXPECT_EQ(run(scenario, work_.path() / "plain"), "");
  EXPECT_EQ(run(scenario, work_.path() / "again"), "");
  EXPECT_EQ(hash_tree(work_.path() / "plain"), hash_tree(work_.path() / "again"));
}

}  // namespace
}  // namespace vfsprof::harness
