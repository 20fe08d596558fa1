#include "harness/collect/fuse_requests.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace vfsprof::harness {

std::string fuse_operation_name(std::uint32_t operation) {
  constexpr std::array<std::string_view, 53> kNames{"",
                                                    "LOOKUP",
                                                    "FORGET",
                                                    "GETATTR",
                                                    "SETATTR",
                                                    "READLINK",
                                                    "SYMLINK",
                                                    "",
                                                    "MKNOD",
                                                    "MKDIR",
                                                    "UNLINK",
                                                    "RMDIR",
                                                    "RENAME",
                                                    "LINK",
                                                    "OPEN",
                                                    "READ",
                                                    "WRITE",
                                                    "STATFS",
                                                    "RELEASE",
                                                    "",
                                                    "FSYNC",
                                                    "SETXATTR",
                                                    "GETXATTR",
                                                    "LISTXATTR",
                                                    "REMOVEXATTR",
                                                    "FLUSH",
                                                    "INIT",
                                                    "OPENDIR",
                                                    "READDIR",
                                                    "RELEASEDIR",
                                                    "FSYNCDIR",
                                                    "GETLK",
                                                    "SETLK",
                                                    "SETLKW",
                                                    "ACCESS",
                                                    "CREATE",
                                                    "INTERRUPT",
                                                    "BMAP",
                                                    "DESTROY",
                                                    "IOCTL",
                                                    "POLL",
                                                    "NOTIFY_REPLY",
                                                    "BATCH_FORGET",
                                                    "FALLOCATE",
                                                    "READDIRPLUS",
                                                    "RENAME2",
                                                    "LSEEK",
                                                    "COPY_FILE_RANGE",
                                                    "SETUPMAPPING",
                                                    "REMOVEMAPPING",
                                                    "SYNCFS",
                                                    "TMPFILE",
                                                    "STATX"};
  if (operation < kNames.size() && !kNames[operation].empty()) {
    return std::string(kNames[operation]);
  }
  return fmt::format("operation {}", operation);
}

bool serves_fuse(pid_t pid) {
  std::error_code error;
  const std::filesystem::directory_iterator files(fmt::format("/proc/{}/fd", pid), error);
  if (error) return false;
  return std::ranges::any_of(files, [](const std::filesystem::directory_entry& file) {
    std::error_code unreadable;
    return std::filesystem::read_symlink(file.path(), unreadable) == "/dev/fuse";
  });
}

}  // namespace vfsprof::harness
