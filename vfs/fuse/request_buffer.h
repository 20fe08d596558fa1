#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "vfs/fuse/request_pipe.h"
#include "vfs/memory/payload_pages.h"
#include "vfs/mount_options.h"
#include "vfs/payload.h"

namespace vfsprof::vfs {

/// One request of the kernel, as a session thread receives it.
///
/// It is read in two parts: the first 80 bytes, which are all headers of a write, and what follows.
/// So the payload of a write always begins at a page boundary. Any other request is put together
/// again, as libfuse parses one piece of memory; what must be copied for that is small, for a
/// request other than a write has few bytes.
///
/// Source: struct fuse_in_header and struct fuse_write_in, linux/fuse.h.
/// Threads: belongs to one session thread; the payload may be read by others until the next
/// `receive`.
class RequestBuffer {
 public:
  /// For requests under `options`: their size from max_write, their way from splice.
  /// Errors: MountError.
  /// Payloads come into `pages` if there are any, of which a receiver may keep some.
  explicit RequestBuffer(const MountOptions& options,
                         std::unique_ptr<PayloadPages> pages = nullptr);
  ~RequestBuffer();
  RequestBuffer(const RequestBuffer&) = delete;
  RequestBuffer& operator=(const RequestBuffer&) = delete;

  /// Receives the next request from `device`, waiting for one. Returns its size in bytes, or -1
  /// with errno: EINTR, ENOENT (the request was given up), ENODEV (unmounted).
  ssize_t receive(int device);

  /// The request as libfuse parses it: all of it, but of a write only the headers.
  void* message() const { return memory_; }

  /// The payload of the write that was received last: its first `size` bytes, which must have come.
  Payload payload(std::size_t size) const;

 private:
  ssize_t read_from(int file);
  /// Copies what a request other than a write has behind its first part to where libfuse parses it.
  void join();

  const std::size_t capacity_;  ///< of a request, bytes
  std::optional<RequestPipe> pipe_;
  const std::unique_ptr<PayloadPages> pages_;
  std::byte* memory_;   ///< of the message, then of the payload unless that has pages
  std::byte* payload_;  ///< at a page boundary
  std::size_t received_ = 0;
};

}  // namespace vfsprof::vfs
