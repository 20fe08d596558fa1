#pragma once

#include <array>
#include <cstddef>
#include <mutex>
#include <shared_mutex>

#include "vfs/base/ids.h"

namespace vfsprof::vfs {

/// The engine's own locks of one file, in the order in which they are taken. Pool, metadata and
/// disk cache lock under them.
struct alignas(64) FileLocks {
  std::mutex write_back;  ///< held by a write-back, and by whatever none may overlap: cutting and
                          ///< dropping a file
  std::shared_mutex content;  ///< shared by reads and writes, exclusive for cutting and dropping
  std::mutex load;            ///< held while a missing block is looked for, read and inserted
};

/// The locks of every file. Files share them, so no thread may hold those of two files.
class FileLockTable {
 public:
  FileLocks& operator[](InodeId inode) { return locks_[inode.value % locks_.size()]; }

 private:
  static constexpr std::size_t kLocks =
      256;  // so many that concurrent writers rarely share; 40 KiB

  std::array<FileLocks, kLocks> locks_;
};

}  // namespace vfsprof::vfs
