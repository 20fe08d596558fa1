#pragma once

#include <linux/fuse.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "vfs/counters.h"

namespace vfsprof::vfs {

/// The counter of a kind of request.
constexpr Counter counter_of(std::uint32_t opcode) {
  switch (opcode) {
    case FUSE_LOOKUP:
      return Counter::kLookupRequests;
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
      return Counter::kForgetRequests;
    case FUSE_GETATTR:
      return Counter::kGetattrRequests;
    case FUSE_SETATTR:
      return Counter::kSetattrRequests;
    case FUSE_READLINK:
      return Counter::kReadlinkRequests;
    case FUSE_SYMLINK:
      return Counter::kSymlinkRequests;
    case FUSE_MKNOD:
      return Counter::kMknodRequests;
    case FUSE_MKDIR:
      return Counter::kMkdirRequests;
    case FUSE_UNLINK:
      return Counter::kUnlinkRequests;
    case FUSE_RMDIR:
      return Counter::kRmdirRequests;
    case FUSE_RENAME:
    case FUSE_RENAME2:
      return Counter::kRenameRequests;
    case FUSE_LINK:
      return Counter::kLinkRequests;
    case FUSE_OPEN:
      return Counter::kOpenRequests;
    case FUSE_READ:
      return Counter::kReadRequests;
    case FUSE_WRITE:
      return Counter::kWrites;
    case FUSE_STATFS:
      return Counter::kStatfsRequests;
    case FUSE_RELEASE:
      return Counter::kReleaseRequests;
    case FUSE_FSYNC:
      return Counter::kFsyncRequests;
    case FUSE_FLUSH:
      return Counter::kFlushRequests;
    case FUSE_OPENDIR:
      return Counter::kOpendirRequests;
    case FUSE_READDIR:
    case FUSE_READDIRPLUS:
      return Counter::kReaddirRequests;
    case FUSE_RELEASEDIR:
      return Counter::kReleasedirRequests;
    case FUSE_FSYNCDIR:
      return Counter::kFsyncdirRequests;
    case FUSE_CREATE:
      return Counter::kCreateRequests;
    case FUSE_INTERRUPT:
      return Counter::kInterruptRequests;
    default:
      return Counter::kOtherRequests;
  }
}

/// Counts a request of the kernel, which begins with its fuse_in_header.
inline void count_request(const void* message) {
  fuse_in_header header;
  std::memcpy(&header, message, sizeof header);
  count(Counter::kRequests);
  count(counter_of(header.opcode));
}

}  // namespace vfsprof::vfs
