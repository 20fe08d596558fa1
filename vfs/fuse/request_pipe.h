#pragma once

#include <sys/types.h>

#include <cstddef>

#include "vfs/base/unique_fd.h"

namespace vfsprof::vfs {

/// A pipe into which requests are spliced (`splice=on`): the kernel puts references to the pages of
/// a write into it instead of copying them. Empty between two requests.
/// Threads: belongs to one session thread.
class RequestPipe {
 public:
  /// A pipe that holds a request of `request_bytes`. Errors: MountError if the kernel refuses to
  /// make it that large, which it does to an ordinary user above fs.pipe-max-size.
  explicit RequestPipe(std::size_t request_bytes);

  /// Splices the next request from `device`, waiting for one. Returns its size, or -1 with errno as
  /// splice(2) sets it.
  ssize_t fill(int device);
  /// Where it is read from.
  int read_end() const { return read_end_.get(); }

 private:
  const std::size_t request_bytes_;
  UniqueFd read_end_;
  UniqueFd write_end_;
};

}  // namespace vfsprof::vfs
