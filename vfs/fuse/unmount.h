#pragma once

#include <filesystem>

namespace vfsprof::vfs {

/// What stands at a path, as far as mounting is concerned.
enum class MountPointState {
  kFree,          ///< a directory that nothing is mounted on
  kMounted,       ///< something is mounted there
  kDisconnected,  ///< a FUSE mount whose daemon is gone ("Transport endpoint is not connected")
  kMissing,
  kNotADirectory,
};
MountPointState mount_point_state(const std::filesystem::path& path);

/// Detaches the FUSE mount at `path`, lazily: directly as root, else through fusermount3. True if
/// nothing of ours is mounted there afterwards.
bool unmount(const std::filesystem::path& path);

}  // namespace vfsprof::vfs
