#include "vfs/flush/direct_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "vfs/durability/file_io.h"

namespace vfsprof::vfs {

namespace {

/// What a file's direct I/O must be aligned to, in bytes. Empty if it has none, or asks for more of
/// the memory than a DirectBuffer has.
std::optional<std::uint64_t> offset_alignment(int fd) {
  struct statx status{};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &status) != 0) return std::nullopt;
  if ((status.stx_mask & STATX_DIOALIGN) == 0) return status.stx_blksize;
  if (status.stx_dio_offset_align == 0 || status.stx_dio_mem_align > kDirectAlignment) {
    return std::nullopt;
  }
  return status.stx_dio_offset_align;
}

}  // namespace

void DirectFile::open() {
  auto opened = file_.open(O_DIRECT);
  if (!opened) return refuse(opened.error());
  const auto alignment = offset_alignment(opened->get());
  if (!alignment) return refuse(Errno{EINVAL});
  direct_ = std::move(*opened);
  // At least a page: a page that is half written direct and half buffered is written twice.
  alignment_ = std::max<std::uint64_t>(*alignment, kDirectAlignment);
}

void DirectFile::refuse(Errno reason) {
  direct_.emplace();
  cache_.direct_io_refused(reason);
}

std::size_t DirectFile::direct_bytes(std::uint64_t offset, std::size_t bytes) {
  if (bytes < kDirectAlignment) return 0;
  if (!direct_) open();
  if (!*direct_ || offset % alignment_ != 0) return 0;
  return bytes - bytes % alignment_;
}

Result<void> DirectFile::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  const std::size_t direct = direct_bytes(offset, bytes.size());
  if (direct > 0) {
    const auto written = write_all(direct_fd(), offset, bytes.first(direct));
    if (!written && written.error().value == EINVAL) {
      // The file system takes the flag, but not this write: or the write ends at a limit.
      const auto buffered = file_.write(offset, bytes);
      if (buffered) refuse(written.error());
      return buffered;
    }
    if (!written) return written;
  }
  return file_.write(offset + direct, bytes.subspan(direct));
}

}  // namespace vfsprof::vfs
