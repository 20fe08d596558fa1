#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "vfs/base/ids.h"
#include "vfs/base/result.h"
#include "vfs/base/unique_fd.h"
#include "vfs/durability/sync_ledger.h"
#include "vfs/word_names.h"

namespace vfsprof::vfs {

/// The name of an inode's file in a folder of the cache: its number in hexadecimal. The folder
/// tells what the file is.
std::string cache_file_name(InodeId inode);
/// Empty if the cache gives no such name.
std::optional<InodeId> inode_of_cache_file(std::string_view name);

/// A directory of the cache, and what is known of the files in it. Threads: the functions are safe.
struct CacheFolder {
  UniqueFd fd;
  bool holds_content = false;  ///< of files; else records
  std::mutex mutex;            ///< innermost: nothing is locked under it
  WordName mutex_name{mutex, "cache_folder.mutex", WordPurpose::kLock};
  SyncLedger ledger;  ///< under `mutex`, together with the renames that it tells of

  /// Puts a file as it stands on the disk, where it is not there yet; success if there is none.
  /// Errors: those of fsync(2), and EIO from then on until the file is replaced.
  Result<void> sync(InodeId inode);
  /// Removes a file; success if there is none.
  Result<void> remove(InodeId inode);
};

}  // namespace vfsprof::vfs
