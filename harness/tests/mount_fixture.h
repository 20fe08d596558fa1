#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "harness/run/work_directory.h"
#include "harness/target/target.h"
#include "vfs/base/unique_fd.h"
#include "vfs/variant.h"

namespace vfsprof::harness {

inline std::string reason_not_to_mount() {
  const UniqueFd device(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
  return device ? "" : "needs /dev/fuse, which this user cannot open (vfsprof doctor says how)";
}

/// A mount of one variant, for the length of a test.
class Mount {
 public:
  explicit Mount(const std::string& variant)
      : work_(std::filesystem::temp_directory_path()),
        target_(start_target(parse_target("fuse"),
                             {.variant = vfs::canonical(vfs::parse_variant(variant)),
                              .directory = work_.path(),
                              .placement = Placement::kFree})) {}

  std::filesystem::path root() const { return target_->root(); }
  std::filesystem::path cache_directory() const { return work_.path() / "cache"; }
  Target& target() { return *target_; }

  /// Runs a shell command inside the mount; its output is shown if it fails.
  ::testing::AssertionResult shell(const std::string& command) const {
    const std::filesystem::path log = work_.path() / "shell.log";
    const std::string line =
        "cd '" + root().string() + "' && { " + command + "; } >'" + log.string() + "' 2>&1";
    const int status = std::system(line.c_str());  // NOLINT(concurrency-mt-unsafe): one thread
    if (status == 0) return ::testing::AssertionSuccess();
    std::ifstream text(log);
    return ::testing::AssertionFailure() << command << "\n"
                                         << std::string{std::istreambuf_iterator<char>(text), {}};
  }

 private:
  WorkDirectory work_;
  std::unique_ptr<Target> target_;
};

}  // namespace vfsprof::harness
