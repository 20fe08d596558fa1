#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "vfs/base/result.h"

namespace vfsprof::vfs {

/// The store that backs the file system cannot be opened. The message names what was asked for and
/// what is allowed.
class StoreError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct StoredObject {
  std::string key;              ///< '/' separates directories
  std::uint64_t size = 0;       ///< bytes
  std::int64_t modified_s = 0;  ///< seconds since 1970, as object stores keep it
};

/// What one call of `list` returned.
struct ObjectPage {
  std::vector<StoredObject> objects;  ///< ascending by key
  std::string next;                   ///< pass it to the next call; empty: that was all
};

/// Where the files that are not in the cache come from: a flat map of keys to contents, as S3 has
/// it.
///
/// Errors: ENOENT for a key that is not there, EINVAL for one that cannot be, EIO and ETIMEDOUT for
/// a store that does not answer; of `put` also ENOSPC and the like.
/// Threads: every member is safe, and may take as long as a network does.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;
  /// The objects whose keys come after `after` (empty: from the start), a page at a time.
  virtual Result<ObjectPage> list(std::string_view after) = 0;
  /// Reads from `offset` (bytes) on; returns how many bytes there were.
  virtual Result<std::size_t> fetch(std::string_view key, std::uint64_t offset,
                                    std::span<std::byte> out) = 0;
  /// Stores a whole object, replacing one that is there.
  virtual Result<void> put(std::string_view key, std::span<const std::byte> content) = 0;
};

/// What `open_store` takes, for help and errors.
inline constexpr std::string_view kStoreUsage =
    "memory[,objects=COUNTxSIZE] or dir:PATH, each with [,latency=TIME][,fail=CALL:N]";

/// Opens the store that `text` names, for example `memory,objects=16x1m` or
/// `dir:/srv/objects,latency=20ms,fail=fetch:3` (README.md says what each part means).
/// Errors: StoreError, which names the part at fault and what is allowed there.
std::unique_ptr<ObjectStore> open_store(std::string_view text);

}  // namespace vfsprof::vfs
