#include "harness/scenario/file_operations.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "vfs/base/check.h"

namespace vfsprof::harness {
namespace {

std::int64_t result_of(std::int64_t returned) { return returned < 0 ? -errno : returned; }

/// A link's text that leads from its directory to the entry `target`.
std::string text_of_link(const std::string& link, const std::string& target) {
  std::string text;
  for (auto levels = std::ranges::count(link, '/'); levels > 0; --levels) text += "../";
  return text + target;
}

}  // namespace

int open_flags(const Operation& operation) {
  int flags = (operation.flags & kOpenReadOnly) != 0 ? O_RDONLY : O_RDWR;
  // O_EXCL: what was there before belongs to somebody else.
  if (operation.kind == OperationKind::kCreate) flags |= O_CREAT | O_EXCL;
  if ((operation.flags & kOpenDsync) != 0) flags |= O_DSYNC;
  if ((operation.flags & kOpenAppend) != 0) flags |= O_APPEND;
  if ((operation.flags & kOpenTruncate) != 0) flags |= O_TRUNC;
  return flags;
}

std::string link_text(const Operation& operation, std::span<const std::string> names) {
  const std::string& target = names[operation.other];
  const bool verbatim = (operation.flags & kLinkVerbatim) != 0;
  return verbatim ? target : text_of_link(names[operation.file], target);
}

SystemCalls::SystemCalls(const FilesOptions& options)
    : directory_(options.directory),
      names_(options.names),
      own_(options.shared_files == nullptr ? options.fds : 0),
      fds_(options.shared_files == nullptr ? own_ : *options.shared_files),
      guarded_(options.guarded) {
  open_how how{.flags = O_PATH | O_CLOEXEC, .mode = 0, .resolve = RESOLVE_BENEATH};
  const UniqueFd probe(static_cast<int>(::syscall(SYS_openat2, directory_, ".", &how, sizeof how)));
  has_openat2_ = static_cast<bool>(probe);
}

/// Opens a name of which no part may be a symbolic link.
int SystemCalls::open_beneath(const std::string& name, int flags, unsigned mode) const {
  flags |= O_CLOEXEC | O_NOFOLLOW;
  if (name.find('/') == std::string::npos) {
    return ::openat(directory_, name.c_str(), flags, mode);
  }
  if (!has_openat2_) {
    const Place place = place_of(name);
    return place.directory < 0 ? -1 : ::openat(place.directory, place.name, flags, mode);
  }
  open_how how{.flags = static_cast<std::uint64_t>(flags),
               .mode = (flags & O_CREAT) != 0 ? mode : 0,
               .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
  return static_cast<int>(::syscall(SYS_openat2, directory_, name.c_str(), &how, sizeof how));
}

SystemCalls::Place SystemCalls::place_of(const std::string& name) const {
  Place place{.opened = {}, .directory = directory_, .name = name.c_str()};
  const std::size_t slash = name.rfind('/');
  if (slash == std::string::npos || (!guarded_ && has_openat2_)) return place;
  constexpr int kFlags = O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;
  if (has_openat2_) {
    place.opened = UniqueFd(open_beneath(name.substr(0, slash), kFlags, 0));
  } else {
    for (std::size_t begin = 0; begin < slash;) {
      const std::size_t end = name.find('/', begin);
      const int parent = begin == 0 ? directory_ : place.opened.get();
      place.opened = UniqueFd(::openat(parent, name.substr(begin, end - begin).c_str(), kFlags));
      if (!place.opened) break;
      begin = end + 1;
    }
  }
  if (!place.opened && errno == ENOTDIR) {
    // A link is no directory either, where it is not followed.
    char first = 0;
    const ssize_t n = ::readlinkat(directory_, name.substr(0, slash).c_str(), &first, 1);
    errno = n >= 0 ? ELOOP : ENOTDIR;
  }
  place.directory = place.opened.get();
  place.name = name.c_str() + slash + 1;
  return place;
}

std::int64_t SystemCalls::open_file(const Operation& operation) {
  const int fd = open_beneath(names_[operation.file], open_flags(operation), operation.argument);
  const std::int64_t result = result_of(fd);
  if (fd >= 0) fds_[operation.fd].reset(fd);
  // Which number the descriptor got is no result of the file system.
  return std::min<std::int64_t>(result, 0);
}

/// Entries of a directory, or of the one that a file lies in.
std::int64_t SystemCalls::list(const Operation& operation) {
  std::string name = names_[operation.file];
  UniqueFd fd(open_beneath(name, O_RDONLY | O_DIRECTORY, 0));
  if (!fd && errno == ENOTDIR) {
    const std::size_t slash = name.rfind('/');
    name = slash == std::string::npos ? "." : name.substr(0, slash);
    fd = UniqueFd(open_beneath(name, O_RDONLY | O_DIRECTORY, 0));
  }
  if (!fd) return -errno;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(fd.get()), ::closedir);
  if (!directory) return -errno;
  (void)fd.release();
  std::int64_t entries = 0;
  errno = 0;
  while (::readdir(directory.get()) != nullptr) ++entries;
  return errno != 0 ? -errno : entries;
}

std::int64_t SystemCalls::execute(const Operation& operation, const std::byte* data,
                                  std::span<std::byte> buffer) {
  switch (operation.kind) {
    case OperationKind::kRead:
    case OperationKind::kWrite:
    case OperationKind::kFsync:
    case OperationKind::kFdatasync:
    case OperationKind::kTruncate:
      return transfer(operation, data, buffer);
    case OperationKind::kCreate:
    case OperationKind::kOpen:
      return open_file(operation);
    case OperationKind::kClose:
      return result_of(::close(fds_[operation.fd].release()));
    case OperationKind::kReaddir:
      return list(operation);
    case OperationKind::kMkdir:
    case OperationKind::kRmdir:
    case OperationKind::kUnlink:
    case OperationKind::kRename:
    case OperationKind::kLink:
    case OperationKind::kSymlink:
    case OperationKind::kReadlink:
      return change_name(operation, buffer);
    default:
      return change_attribute(operation, data, buffer);
  }
}

std::int64_t SystemCalls::transfer(const Operation& operation, const std::byte* data,
                                   std::span<std::byte> buffer) {
  const int fd = fds_[operation.fd].get();
  const auto offset = static_cast<off_t>(operation.offset);
  switch (operation.kind) {
    case OperationKind::kRead:
      return result_of(::pread(fd, buffer.data(), operation.size, offset));
    case OperationKind::kWrite:
      return result_of(::pwrite(fd, data, operation.size, offset));
    case OperationKind::kFsync:
      return result_of(::fsync(fd));
    case OperationKind::kFdatasync:
      return result_of(::fdatasync(fd));
    default:
      return result_of(::ftruncate(fd, static_cast<off_t>(operation.size)));
  }
}

std::int64_t SystemCalls::change_name(const Operation& operation, std::span<std::byte> buffer) {
  const Place place = place_of(names_[operation.file]);
  if (place.directory < 0) return -errno;
  const std::string& other = names_[operation.other];
  switch (operation.kind) {
    case OperationKind::kMkdir:
      return result_of(::mkdirat(place.directory, place.name, operation.argument));
    case OperationKind::kRmdir:
      return result_of(::unlinkat(place.directory, place.name, AT_REMOVEDIR));
    case OperationKind::kUnlink:
      return result_of(::unlinkat(place.directory, place.name, 0));
    case OperationKind::kRename:
    case OperationKind::kLink: {
      const Place to = place_of(other);
      if (to.directory < 0) return -errno;
      return result_of(operation.kind == OperationKind::kRename
                           ? ::renameat(place.directory, place.name, to.directory, to.name)
                           : ::linkat(place.directory, place.name, to.directory, to.name, 0));
    }
    case OperationKind::kSymlink: {
      const std::string text = link_text(operation, names_);
      return result_of(::symlinkat(text.c_str(), place.directory, place.name));
    }
    default:
      return result_of(::readlinkat(place.directory, place.name,
                                    reinterpret_cast<char*>(buffer.data()), buffer.size()));
  }
}

std::int64_t SystemCalls::change_attribute(const Operation& operation, const std::byte* data,
                                           std::span<std::byte> buffer) {
  switch (operation.kind) {
    case OperationKind::kStat:
    case OperationKind::kChmod:
    case OperationKind::kChown:
    case OperationKind::kUtimens:
      return change_inode(operation);
    default:
      break;
  }
  const int fd = fds_[operation.fd].get();
  const char* const attribute = names_[operation.other].c_str();
  switch (operation.kind) {
    case OperationKind::kSetxattr:
      return result_of(::fsetxattr(fd, attribute, data, operation.size, 0));
    case OperationKind::kGetxattr:
      return result_of(::fgetxattr(fd, attribute, buffer.data(), buffer.size()));
    case OperationKind::kListxattr:
      return result_of(::flistxattr(fd, reinterpret_cast<char*>(buffer.data()), buffer.size()));
    case OperationKind::kRemovexattr:
      return result_of(::fremovexattr(fd, attribute));
    default:
      VFSPROF_CHECK(false);
  }
}

std::int64_t SystemCalls::change_inode(const Operation& operation) {
  const Place place = place_of(names_[operation.file]);
  if (place.directory < 0) return -errno;
  switch (operation.kind) {
    case OperationKind::kStat: {
      struct stat status{};
      if (::fstatat(place.directory, place.name, &status, AT_SYMLINK_NOFOLLOW) != 0) return -errno;
      return S_ISREG(status.st_mode) ? status.st_size : 0;
    }
    case OperationKind::kChmod:
      // Not to follow takes the C library several system calls.
      return result_of(::fchmodat(place.directory, place.name, operation.argument,
                                  guarded_ ? AT_SYMLINK_NOFOLLOW : 0));
    case OperationKind::kChown:
      return result_of(
          ::fchownat(place.directory, place.name, ::geteuid(), ::getegid(), AT_SYMLINK_NOFOLLOW));
    default: {
      constexpr timespec kWhen{.tv_sec = 1'000'000'000, .tv_nsec = 0};
      constexpr std::array<timespec, 2> kTimes{kWhen, kWhen};
      return result_of(
          ::utimensat(place.directory, place.name, kTimes.data(), AT_SYMLINK_NOFOLLOW));
    }
  }
}

}  // namespace vfsprof::harness
