#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "harness/process.h"
#include "harness/run/work_directory.h"

namespace vfsprof::harness {

/// How a command ended, and what it printed.
struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

/// Runs the programs as a user does, in a directory that goes with the test.
class CommandTest : public ::testing::Test {
 protected:
  CommandTest() : work_(std::filesystem::temp_directory_path()) {}

  static std::string read_text(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  std::filesystem::path path(const std::string& name) const { return work_.path() / name; }

  /// Runs a shell command with our programs in its path, in the test's directory.
  Outcome run(const std::string& command) const {
    const std::string line = "cd '" + work_.path().string() + "' && export PATH='" +
                             program_directory().string() + "':$PATH && { " + command +
                             "; } >stdout.txt 2>stderr.txt </dev/null";
    const int status = std::system(line.c_str());  // NOLINT(concurrency-mt-unsafe): one thread
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
            read_text(path("stdout.txt")), read_text(path("stderr.txt"))};
  }

  WorkDirectory work_;
};

}  // namespace vfsprof::harness
