#pragma once

#include <fmt/format.h>
#include <stdlib.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>

namespace vfsprof::vfs {

/// A directory in the folder for temporary files (TMPDIR) that goes with its object, for tests and
/// benchmarks. Errors: std::system_error.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = std::filesystem::temp_directory_path() / "vfsprof-cache-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) {
      throw std::system_error(
          errno, std::generic_category(),
          fmt::format("cannot make the directory {}; set TMPDIR to one that can be written to",
                      pattern));
    }
    path_ = pattern;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace vfsprof::vfs
