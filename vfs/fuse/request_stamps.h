#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <span>

namespace vfsprof::vfs {

// How long the daemon takes for each kind of request, counted in vfs/wait_counts.h while somebody
// reads along. Threads: safe; a request may be replied to by another thread than the one that read
// it.

/// Notes when a request was read. `message` begins with its fuse_in_header.
void stamp_request(std::span<const std::byte> message);

/// writev(), counted as the reply that its first part, a fuse_out_header, makes it.
ssize_t stamped_writev(int descriptor, const iovec* parts, int count);

}  // namespace vfsprof::vfs
