#pragma once

#include <cstddef>
#include <string_view>

#include "vfs/base/result.h"
#include "vfs/store/object_store.h"

namespace vfsprof::vfs {

/// The folder at the top of a DirectoryStore whose files are no objects (yet).
inline constexpr std::string_view kTemporariesFolder = ".vfsprof-put";

/// The first `limit` regular files below a directory whose paths come after `after`, in the order
/// of their bytes. Links are not followed. What goes meanwhile is left out.
/// Errors: those of reading directories, as they come. Threads: safe.
Result<ObjectPage> list_directory(int root_fd, std::string_view after, std::size_t limit);

}  // namespace vfsprof::vfs
