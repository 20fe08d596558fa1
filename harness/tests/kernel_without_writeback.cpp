// Preloaded into vfsprof-mount by a test: the kernel's greeting arrives without its offer of a
// write-back cache, as from a kernel that has none.

#include <dlfcn.h>
#include <linux/fuse.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace {

/// A greeting is one part: the first, which holds 80 bytes.
void withdraw_offer(void* first_part) {
  fuse_in_header header;
  std::memcpy(&header, first_part, sizeof header);
  if (header.opcode != FUSE_INIT) return;
  std::byte* const flags =
      static_cast<std::byte*>(first_part) + sizeof header + offsetof(fuse_init_in, flags);
  std::uint32_t offered = 0;
  std::memcpy(&offered, flags, sizeof offered);
  offered &= ~static_cast<std::uint32_t>(FUSE_WRITEBACK_CACHE);
  std::memcpy(flags, &offered, sizeof offered);
}

}  // namespace

extern "C" ssize_t readv(int file, const iovec* parts, int count) {
  using Readv = ssize_t (*)(int, const iovec*, int);
  static const auto real = reinterpret_cast<Readv>(::dlsym(RTLD_NEXT, "readv"));
  const ssize_t size = real(file, parts, count);
  if (size >= 80) withdraw_offer(parts[0].iov_base);
  return size;
}
