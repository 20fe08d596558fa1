#include "vfs/fuse/request_pipe.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "vfs/base/result.h"
#include "vfs/fuse/mount_error.h"

namespace vfsprof::vfs {

RequestPipe::RequestPipe(std::size_t request_bytes) : request_bytes_(request_bytes) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    throw MountError(
        fmt::format("splice=on needs a pipe for each session thread: {}", describe(Errno{errno})));
  }
  read_end_.reset(ends[0]);
  write_end_.reset(ends[1]);
  if (::fcntl(write_end_.get(), F_SETPIPE_SZ, static_cast<int>(request_bytes)) < 0) {
    throw MountError(
        fmt::format("splice=on needs pipes of {} bytes for this max_write, and the kernel refuses "
                    "them: {}; choose a smaller max_write or splice=off, or raise the limit with "
                    "'sysctl fs.pipe-max-size=2097152' (as root)",
                    request_bytes, describe(Errno{errno})));
  }
}

ssize_t RequestPipe::fill(int device) {
  return ::splice(device, nullptr, write_end_.get(), nullptr, request_bytes_, 0);
}

}  // namespace vfsprof::vfs
