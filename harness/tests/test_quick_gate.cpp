// scripts/ci/quick-gate as continuous integration runs it: green as it is, red on a planted fault,
// and never green where nothing was shown. Its baseline is made here: the committed one is of a
// release build.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "harness/process.h"
#include "harness/run/work_directory.h"
#include "vfs/base/unique_fd.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

class QuickGate : public ::testing::Test {
 protected:
  QuickGate() : work_(fs::temp_directory_path()) {
    // vfsprof finds the daemon beside itself, so each build is a folder with a vfsprof of its own.
    const fs::path programs = program_directory();
    for (const auto& [build, daemon] :
         {std::pair{"same", "vfsprof-mount"}, std::pair{"canary", "vfsprof-mount-canary"}}) {
      fs::create_directory(work_.path() / build);
      fs::copy_file(programs / "vfsprof", work_.path() / build / "vfsprof");
      fs::create_symlink(programs / daemon, work_.path() / build / "vfsprof-mount");
    }
  }

  void SetUp() override {
    const UniqueFd device(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
    if (!device) GTEST_SKIP() << "needs /dev/fuse, which this user cannot open";
  }

  void record() const { ASSERT_EQ(run("same", "--record"), 0); }

  fs::path baseline() const { return work_.path() / "baseline.json"; }

  /// The script's exit code.
  int run(const std::string& build, const std::string& arguments = "",
          const std::string& before = "") const {
    const std::string command = before + "VFSPROF_PROGRAMS='" + (work_.path() / build).string() +
                                "' VFSPROF_QUICK_BASELINE='" + baseline().string() + "' '" +
                                std::string(VFSPROF_SOURCE_FOLDER) + "/scripts/ci/quick-gate' " +
                                arguments + " </dev/null";
    const int status = std::system(command.c_str());  // NOLINT(concurrency-mt-unsafe): one thread
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  /// Changes the baseline.
  template <class F>
  void doctor(F change) const {
    Json document = Json::parse(std::ifstream(baseline()));
    change(document);
    std::ofstream(baseline()) << document;
  }

  WorkDirectory work_;
};

constexpr int kPassed = 0, kRegressed = 1, kRefused = 2, kNoDevice = 3, kUndecided = 5;

TEST_F(QuickGate, IsGreenAsItIsAndRedOnOneMoreWakeInTenWrites) {
  record();
  EXPECT_EQ(run("same"), kPassed);
  EXPECT_EQ(run("canary", "", "VFSPROF_CANARY=extra-wake:10 "), kRegressed);
}

TEST_F(QuickGate, IsRedWhereTheBaselineCopiedLess) {
  record();
  doctor([](Json& result) {
    for (Json& round : result["rounds"]) {
      for (Json& counter : round["counters"]) {
        if (counter["name"] == "bytes_copied") counter["value"] = 4096;
      }
    }
  });
  EXPECT_EQ(run("same"), kRegressed);
}

TEST_F(QuickGate, IsUndecidedOnTooFewRoundsAndRefusesADamagedBaseline) {
  record();
  doctor([](Json& result) {
    Json first = Json::array({result["rounds"][0]});
    result["rounds"] = first;
  });
  EXPECT_EQ(run("same"), kUndecided);
  fs::resize_file(baseline(), 2000);
  EXPECT_EQ(run("same"), kRefused);
}

TEST_F(QuickGate, SaysThatThereIsNoFuse) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to hide /dev/fuse";
  const std::string hide = "unshare --mount sh -c 'mount -t tmpfs none /dev && exec ";
  if (std::system("unshare --mount true") != 0) {  // NOLINT(concurrency-mt-unsafe): one thread
    GTEST_SKIP() << "needs a mount namespace of its own, to hide /dev/fuse";
  }
  const std::string command = hide + std::string(VFSPROF_SOURCE_FOLDER) + "/scripts/ci/quick-gate'";
  const int status = std::system(command.c_str());  // NOLINT(concurrency-mt-unsafe): one thread
  EXPECT_EQ(WEXITSTATUS(status), kNoDevice);
}

}  // namespace
}  // namespace vfsprof::harness
