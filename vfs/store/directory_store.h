#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "vfs/base/unique_fd.h"
#include "vfs/store/object_store.h"

namespace vfsprof::vfs {

/// Objects as the regular files below a directory: a key is a path relative to it. For tests and
/// benchmarks that need a store which outlives the daemon, with no network.
///
/// Symbolic links and special files are no objects: links are neither listed nor followed, so no
/// key leads out of the directory (the directory itself may be given by a link). The name
/// `.vfsprof-put` at the top is kept for objects that are being stored.
///
/// Errors, beside those of ObjectStore: EINVAL for a key with an empty, "." or ".." part or that
/// begins with `.vfsprof-put`; of `put`, those of the disk as they come, and EISDIR or ENOTDIR
/// where a key lies above or below another: a directory cannot hold both, as S3 can.
/// Threads: every member is safe. Other processes may change the directory meanwhile.
class DirectoryStore final : public ObjectStore {
 public:
  static constexpr std::string_view kName = "dir";
  /// Each page lists the directories it lies in again, so they are larger than those of S3.
  static constexpr std::size_t kDefaultPageObjects = 10'000;

  /// Errors: StoreError if the path is missing, no directory or not readable.
  explicit DirectoryStore(const std::filesystem::path& path,
                          std::size_t page_objects = kDefaultPageObjects);

  Result<ObjectPage> list(std::string_view after) override;
  Result<std::size_t> fetch(std::string_view key, std::uint64_t offset,
                            std::span<std::byte> out) override;
  /// Atomic and durable: the old or the new object is found, and the new one is on the disk once
  /// this returns. Costs two fsync calls, and one for each directory that it makes.
  Result<void> put(std::string_view key, std::span<const std::byte> content) override;

 private:
  /// Where the file of a key is.
  struct Place {
    UniqueFd directory;
    std::string name;
  };
  enum class Missing { kFail, kMake };

  Result<Place> place_of(std::string_view key, Missing missing) const;
  Result<Place> make_temporary(UniqueFd& file);

  const UniqueFd root_;
  const std::size_t page_objects_;
  std::atomic<std::uint64_t> next_temporary_{0};
};

}  // namespace vfsprof::vfs
