#pragma once

#include <mutex>
#include <shared_mutex>

#include "vfs/word_names.h"

namespace vfsprof::vfs {

/// The engine's own locks of one file, in the order in which they are taken. Pool, metadata and
/// disk cache lock under them.
struct alignas(64) FileLocks {
  std::mutex write_back;  ///< held by a write-back, and by whatever none may overlap: cutting and
                          ///< dropping a file
  std::shared_mutex content;  ///< shared by reads and writes, exclusive for cutting and dropping
  std::mutex load;            ///< held while a missing block is looked for, read and inserted
  const WordName write_back_name{write_back, "file.write_back", WordPurpose::kLock};
  const WordName content_name{content, "file.content", WordPurpose::kLock};
  const WordName load_name{load, "file.load", WordPurpose::kLock};
};

}  // namespace vfsprof::vfs
