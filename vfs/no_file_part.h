#pragma once

namespace vfsprof::vfs {

/// What a pool or a metadata strategy keeps beside each file if it keeps everything elsewhere.
struct NoFilePart {};

}  // namespace vfsprof::vfs
