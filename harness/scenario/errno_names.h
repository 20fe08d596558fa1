#pragma once

#include <array>
#include <cerrno>
#include <string_view>

namespace vfsprof::harness {

struct NamedErrno {
  std::string_view name;
  int value;
};

/// THE list of errors that a scenario can expect.
inline constexpr std::array<NamedErrno, 22> kExpectableErrors{{
    {"EACCES", EACCES},
    {"EBADF", EBADF},
    {"EBUSY", EBUSY},
    {"EEXIST", EEXIST},
    {"EFBIG", EFBIG},
    {"EINVAL", EINVAL},
    {"EIO", EIO},
    {"EISDIR", EISDIR},
    {"ELOOP", ELOOP},
    {"EMLINK", EMLINK},
    {"ENAMETOOLONG", ENAMETOOLONG},
    {"ENODATA", ENODATA},
    {"ENOENT", ENOENT},
    {"ENOSPC", ENOSPC},
    {"ENOSYS", ENOSYS},
    {"ENOTDIR", ENOTDIR},
    {"ENOTEMPTY", ENOTEMPTY},
    {"EOPNOTSUPP", EOPNOTSUPP},
    {"EPERM", EPERM},
    {"ERANGE", ERANGE},
    {"EROFS", EROFS},
    {"EXDEV", EXDEV},
}};

}  // namespace vfsprof::harness
