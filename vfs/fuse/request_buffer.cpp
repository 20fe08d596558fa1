#include "vfs/fuse/request_buffer.h"

#include <fmt/format.h>
#include <linux/fuse.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include "vfs/base/check.h"
#include "vfs/counters.h"
#include "vfs/fuse/mount_error.h"

namespace vfsprof::vfs {
namespace {

constexpr std::size_t kWriteHeaderBytes = sizeof(fuse_in_header) + sizeof(fuse_write_in);
static_assert(kWriteHeaderBytes == 80,
              "the header that this was built against is another protocol");

/// What the kernel may put in front of a payload; libfuse asks for as much.
constexpr std::size_t kHeaderRoom = 4096;

}  // namespace

RequestBuffer::RequestBuffer(const MountOptions& options, std::unique_ptr<PayloadPages> pages)
    : capacity_(options.max_write + kHeaderRoom), pages_(std::move(pages)) {
  if (options.splice) pipe_.emplace(capacity_);
  // Both parts are large enough for a whole request; what is never used is never backed by memory.
  void* const memory =
      ::mmap(nullptr, 2 * capacity_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    throw MountError(fmt::format(
        "no memory for a session thread's request buffer of {} bytes; choose fewer threads or a "
        "smaller max_write",
        2 * capacity_));
  }
  memory_ = static_cast<std::byte*>(memory);
  payload_ = memory_ + capacity_;
}

RequestBuffer::~RequestBuffer() { ::munmap(memory_, 2 * capacity_); }

ssize_t RequestBuffer::receive(int device) {
  ssize_t size = 0;
  if (pipe_) {
    size = pipe_->fill(device);
    if (size < 0) return size;
    if (read_from(pipe_->read_end()) != size) {
      errno = EIO;
      return -1;
    }
    count(Counter::kSplicedRequests);
  } else {
    size = read_from(device);
    if (size < 0) return size;
  }
  received_ = static_cast<std::size_t>(size);
  join();
  return size;
}

ssize_t RequestBuffer::read_from(int file) {
  const iovec header{.iov_base = memory_, .iov_len = kWriteHeaderBytes};
  if (pages_ == nullptr) {
    const iovec parts[] = {header,
                           {.iov_base = payload_, .iov_len = capacity_ - kWriteHeaderBytes}};
    return ::readv(file, parts, 2);
  }
  pages_->renew();
  const std::span<std::byte> first = pages_->first();
  const std::span<std::byte> rest = pages_->rest();
  const iovec parts[] = {header,
                         {.iov_base = first.data(), .iov_len = first.size()},
                         {.iov_base = rest.data(), .iov_len = rest.size()}};
  return ::readv(file, parts, 3);
}

void RequestBuffer::join() {
  if (received_ <= kWriteHeaderBytes) return;
  fuse_in_header header;
  std::memcpy(&header, memory_, sizeof header);
  if (header.opcode == FUSE_WRITE) return;
  const std::size_t size = received_ - kWriteHeaderBytes;
  payload(size).copy_to(0, {memory_ + kWriteHeaderBytes, size});
}

Payload RequestBuffer::payload(std::size_t size) const {
  VFSPROF_CHECK(kWriteHeaderBytes + size <= received_);
  if (pages_ == nullptr) return Payload({payload_, size});
  const std::size_t in_first = std::min(size, pages_->first().size());
  return {pages_->first().first(in_first), pages_->rest().first(size - in_first), pages_.get()};
}

}  // namespace vfsprof::vfs
