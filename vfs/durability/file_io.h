#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>

#include "vfs/base/result.h"
#include "vfs/counters.h"

namespace vfsprof::vfs {

/// Writes all of `bytes` at `offset`. Errors: those of pwrite(2), after some of it may be written.
inline Result<void> write_all(int fd, std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0) {
      if (errno == EINTR) continue;
      return fail_with_errno();
    }
    count(Counter::kBytesFlushed, static_cast<std::uint64_t>(written));
    offset += static_cast<std::uint64_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

/// Reads from `offset` on; returns how many bytes there were before the end of the file.
inline Result<std::size_t> read_all(int fd, std::uint64_t offset, std::span<std::byte> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t got =
        ::pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (got < 0) {
      if (errno == EINTR) continue;
      return fail_with_errno();
    }
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

/// fsync(2), counted.
inline Result<void> sync_fd(int fd) {
  count(Counter::kCacheSyncs);
  if (::fsync(fd) != 0) return fail_with_errno();
  return {};
}

/// fdatasync(2), counted: data and size, without the times of the file.
inline Result<void> sync_data(int fd) {
  count(Counter::kCacheSyncs);
  if (::fdatasync(fd) != 0) return fail_with_errno();
  return {};
}

}  // namespace vfsprof::vfs
