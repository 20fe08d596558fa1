#pragma once

#include <map>
#include <shared_mutex>
#include <string>
#include <vector>

#include "vfs/store/object_store.h"
#include "vfs/word_names.h"

namespace vfsprof::vfs {

/// Objects in memory, gone with the process: for benchmarks, in which no network may play a part,
/// and for tests.
class MemoryStore final : public ObjectStore {
 public:
  static constexpr std::string_view kName = "memory";
  static constexpr std::size_t kDefaultPageObjects = 1000;  ///< as S3 pages its listings

  explicit MemoryStore(std::size_t page_objects = kDefaultPageObjects);

  /// Adds `count` objects of `size` bytes: `object-000000`, `object-000001`, ... The content of
  /// each is its key and a line feed, over and over, so that a reader can tell that it got the
  /// right one. Errors: std::bad_alloc.
  void preload(std::uint64_t count, std::uint64_t size);

  Result<ObjectPage> list(std::string_view after) override;
  Result<std::size_t> fetch(std::string_view key, std::uint64_t offset,
                            std::span<std::byte> out) override;
  Result<void> put(std::string_view key, std::span<const std::byte> content) override;

 private:
  struct Object {
    std::vector<std::byte> content;
    std::int64_t modified_s = 0;
  };
  const std::size_t page_objects_;
  mutable std::shared_mutex mutex_;
  const WordName mutex_name_{mutex_, "store.mutex", WordPurpose::kLock};
  std::map<std::string, Object, std::less<>> objects_;
};

}  // namespace vfsprof::vfs
