#pragma once

#include <cerrno>
#include <cstring>
#include <expected>
#include <string>

namespace vfsprof {

/// An errno value, always positive (ENOENT, EIO, ...).
struct Errno {
  int value = 0;
  friend bool operator==(Errno, Errno) = default;
};

/// What a file system operation returns: a value, or the errno that its caller is to see.
template <class T>
using Result = std::expected<T, Errno>;

using Failure = std::unexpected<Errno>;

inline Failure fail(int error_number) { return Failure(Errno{error_number}); }

/// The current `errno` as a failure. Call it right after the system call that failed.
inline Failure fail_with_errno() { return fail(errno); }

/// Text such as "No space left on device". Threads: safe.
inline std::string describe(Errno error) {
  char buffer[128];
  return ::strerror_r(error.value, buffer, sizeof buffer);
}

}  // namespace vfsprof
