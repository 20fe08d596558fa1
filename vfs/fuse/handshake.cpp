#include "vfs/fuse/handshake.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace vfsprof::vfs {
namespace {

KernelOffer read_offer(const fuse_conn_info& connection) {
  KernelOffer offer{.max_write = connection.max_write,  // as far as libfuse and the kernel go
                    .writeback = (connection.capable & FUSE_CAP_WRITEBACK_CACHE) != 0};
  // The kernel cuts larger requests to this without a word (Linux 6.13 and later).
  std::uint64_t pages = 0;
  if (std::ifstream("/proc/sys/fs/fuse/max_pages_limit") >> pages) {
    const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    offer.max_write = std::min(offer.max_write, pages * page_bytes);
  }
  return offer;
}

}  // namespace

std::string refusal(const MountOptions& options, const KernelOffer& offer) {
  if (options.max_write > offer.max_write) {
    return fmt::format(
        "max_write={}: this kernel sends at most {} in one write request; choose a smaller "
        "max_write, or raise the limit: 'sysctl fs.fuse.max_pages_limit=256' where there is that "
        "setting, else Linux 4.20 or later",
        format_size(options.max_write), format_size(offer.max_write));
  }
  if (options.writeback && !offer.writeback) {
    return "writeback=on: this kernel offers no write-back cache to FUSE; choose writeback=off";
  }
  return "";
}

std::string shake_hands(const MountOptions& options, fuse_conn_info& connection) {
  std::string refused = refusal(options, read_offer(connection));
  if (!refused.empty()) {
    connection.want = ~0U;  // more than any kernel offers, so libfuse answers with an error
    return refused;
  }
  connection.max_write = options.max_write;
  // Splicing is our own (request_pipe.h); and what the kernel has cached is always right.
  connection.want &= ~static_cast<unsigned>(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
                                            FUSE_CAP_SPLICE_MOVE | FUSE_CAP_AUTO_INVAL_DATA);
  if (options.writeback) connection.want |= static_cast<unsigned>(FUSE_CAP_WRITEBACK_CACHE);
  return refused;
}

}  // namespace vfsprof::vfs
