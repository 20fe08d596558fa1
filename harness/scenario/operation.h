#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string_view>

namespace vfsprof::harness {

/// What a client does next: one system call (a directory listing takes several), a pause, or a
/// wait for the other clients.
enum class OperationKind : std::uint8_t {
  kCreate,
  kOpen,
  kRead,
  kWrite,
  kFsync,
  kClose,
  kUnlink,
  kFdatasync,
  kStat,
  kReaddir,
  kMkdir,
  kRmdir,
  kRename,
  kLink,
  kSymlink,
  kReadlink,
  kTruncate,
  kChmod,
  kChown,
  kUtimens,
  kSetxattr,
  kGetxattr,
  kListxattr,
  kRemovexattr,
  kPause,
  kBarrier
};

/// Names as scenarios and reports have them, by kind.
inline constexpr std::array<std::string_view, 26> kOperationNames{
    "create",    "open",      "read",        "write", "fsync",  "close",   "unlink",
    "fdatasync", "stat",      "readdir",     "mkdir", "rmdir",  "rename",  "link",
    "symlink",   "readlink",  "truncate",    "chmod", "chown",  "utimens", "setxattr",
    "getxattr",  "listxattr", "removexattr", "pause", "barrier"};

/// How a file is opened, beside for reading and writing.
enum OpenFlag : std::uint8_t {
  kOpenDsync = 1,   ///< every write returns once its data is durable (O_DSYNC)
  kOpenAppend = 2,  ///< every write goes to the end, wherever that is (O_APPEND)
  kOpenTruncate = 4,
  kOpenReadOnly = 8,
  kLinkVerbatim = 16,  ///< of symlink: the text is the other name as it is
};

/// `Operation::expected` where the operation is to succeed in full.
inline constexpr std::int64_t kInFull = std::numeric_limits<std::int64_t>::min();

/// One operation. Names and open files are numbers: of the client's table of names, and of its
/// table of open files.
struct Operation {
  OperationKind kind = OperationKind::kPause;
  std::uint8_t flags = 0;      ///< OpenFlag bits of create and open
  std::uint32_t file = 0;      ///< number of the name
  std::uint32_t fd = 0;        ///< which of the client's open files
  std::uint32_t other = 0;     ///< second name: of rename, link; a symlink's target; an xattr's
  std::uint32_t argument = 0;  ///< mode of create, mkdir, chmod
  std::uint64_t offset = 0;    ///< bytes
  std::uint64_t size = 0;      ///< bytes; of truncate the new size; of pause nanoseconds
  std::uint64_t sequence =
      0;  ///< of a write: how many this client has made with it; 0 for the prefill
  std::int64_t expected = kInFull;  ///< the only right result: a number, or a negative errno
  std::uint64_t at_ns = 0;          ///< when it was recorded, after the start; 0: no matter when
  friend bool operator==(const Operation&, const Operation&) = default;
};

/// Whether the operation moves file data.
inline bool moves_data(OperationKind kind) {
  return kind == OperationKind::kRead || kind == OperationKind::kWrite;
}

/// Whether the operation works on an open file, by its number.
inline bool uses_open_file(OperationKind kind) {
  switch (kind) {
    case OperationKind::kRead:
    case OperationKind::kWrite:
    case OperationKind::kFsync:
    case OperationKind::kFdatasync:
    case OperationKind::kClose:
    case OperationKind::kTruncate:
    case OperationKind::kSetxattr:
    case OperationKind::kGetxattr:
    case OperationKind::kListxattr:
    case OperationKind::kRemovexattr:
      return true;
    default:
      return false;
  }
}

/// Whether it opens one.
inline bool opens_file(OperationKind kind) {
  return kind == OperationKind::kCreate || kind == OperationKind::kOpen;
}

}  // namespace vfsprof::harness
