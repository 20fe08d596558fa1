#pragma once

#include <filesystem>

namespace vfsprof::harness {

/// A directory for what a round needs on disk: mount point, cache, logs. The destructor removes it
/// with everything in it, but never enters a file system that is still mounted there.
class WorkDirectory {
 public:
  /// Creates a new directory inside `parent` (created if missing).
  /// Errors: EnvironmentError.
  explicit WorkDirectory(const std::filesystem::path& parent);
  ~WorkDirectory();
  WorkDirectory(const WorkDirectory&) = delete;
  WorkDirectory& operator=(const WorkDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace vfsprof::harness
