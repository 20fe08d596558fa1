#include "vfs/fuse/unmount.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>

extern char** environ;

namespace vfsprof::vfs {
namespace {

/// Runs `fusermount3 -u -z PATH`, quietly; true if it exited with 0.
bool run_fusermount(const std::string& path) {
  std::string arguments[] = {"fusermount3", "-u", "-z", "-q", "--", path};
  char* argv[] = {arguments[0].data(),
                  arguments[1].data(),
                  arguments[2].data(),
                  arguments[3].data(),
                  arguments[4].data(),
                  arguments[5].data(),
                  nullptr};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t pid = -1;
  const int error = ::posix_spawnp(&pid, argv[0], &actions, nullptr, argv, environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return false;
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

MountPointState mount_point_state(const std::filesystem::path& path) {
  struct stat self{};
  if (::stat(path.c_str(), &self) != 0) {
    return errno == ENOTCONN ? MountPointState::kDisconnected : MountPointState::kMissing;
  }
  if (!S_ISDIR(self.st_mode)) return MountPointState::kNotADirectory;
  struct stat parent{};
  if (::stat((path / "..").c_str(), &parent) != 0) return MountPointState::kFree;
  const bool mounted = self.st_dev != parent.st_dev || self.st_ino == parent.st_ino;
  return mounted ? MountPointState::kMounted : MountPointState::kFree;
}

bool unmount(const std::filesystem::path& path) {
  if (::geteuid() == 0) return ::umount2(path.c_str(), MNT_DETACH) == 0 || errno == EINVAL;
  if (run_fusermount(path.string())) return true;
  const MountPointState state = mount_point_state(path);
  return state != MountPointState::kMounted && state != MountPointState::kDisconnected;
}

}  // namespace vfsprof::vfs
