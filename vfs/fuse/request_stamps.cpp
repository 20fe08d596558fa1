#include "vfs/fuse/request_stamps.h"

#include <linux/fuse.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>

#include "vfs/wait_counts.h"

namespace vfsprof::vfs {
namespace {

using Clock = std::chrono::steady_clock;

/// Requests that were read and not yet replied to, by their number. More than these at a time are
/// not stamped.
struct Stamp {
  std::atomic<std::uint64_t> unique{0};  ///< 0: free
  std::atomic<std::uint32_t> opcode{0};
  std::atomic<std::int64_t> read_ns{0};
};
constexpr std::size_t kStamps = 1024;
constinit std::array<Stamp, kStamps> stamps{};

// The kernel numbers requests in steps of two.
Stamp& stamp_of(std::uint64_t unique) { return stamps[unique / 2 % kStamps]; }

bool has_reply(std::uint32_t opcode) {
  return opcode != FUSE_FORGET && opcode != FUSE_BATCH_FORGET && opcode != FUSE_INTERRUPT &&
         opcode < WaitPage::kMaxOpcodes;
}

std::int64_t now_ns() { return Clock::now().time_since_epoch().count(); }

}  // namespace

void stamp_request(std::span<const std::byte> message) {
  if (!waits_are_counted() || message.size() < sizeof(fuse_in_header)) return;
  fuse_in_header header;
  std::memcpy(&header, message.data(), sizeof header);
  if (!has_reply(header.opcode)) return;
  Stamp& stamp = stamp_of(header.unique);
  stamp.opcode.store(header.opcode, std::memory_order_relaxed);
  stamp.read_ns.store(now_ns(), std::memory_order_relaxed);
  // Release: whoever replies sees the two above.
  stamp.unique.store(header.unique, std::memory_order_release);
}

ssize_t stamped_writev(int descriptor, const iovec* parts, int count) {
  if (!waits_are_counted() || count < 1 || parts[0].iov_len < sizeof(fuse_out_header)) {
    return ::writev(descriptor, parts, count);
  }
  fuse_out_header header;
  std::memcpy(&header, parts[0].iov_base, sizeof header);
  Stamp& stamp = stamp_of(header.unique);
  if (header.unique == 0 || stamp.unique.load(std::memory_order_acquire) != header.unique) {
    // A notice belongs to no request; a request may have been read before anybody read along.
    if (header.unique != 0) {
      detail::wait_page().unstamped.fetch_add(1, std::memory_order_relaxed);
    }
    return ::writev(descriptor, parts, count);
  }
  const std::uint32_t opcode = stamp.opcode.load(std::memory_order_relaxed);
  const std::int64_t read_ns = stamp.read_ns.load(std::memory_order_relaxed);
  stamp.unique.store(0, std::memory_order_relaxed);
  const std::int64_t replied_ns = now_ns();
  const ssize_t written = ::writev(descriptor, parts, count);
  const int error = errno;
  const std::int64_t ended_ns = now_ns();
  WaitPage::Requests& requests = detail::wait_page().requests[opcode];
  requests.count.fetch_add(1, std::memory_order_relaxed);
  if (header.error != 0) requests.errors.fetch_add(1, std::memory_order_relaxed);
  add(requests.daemon, std::chrono::nanoseconds(replied_ns - read_ns));
  add(requests.reply, std::chrono::nanoseconds(ended_ns - replied_ns));
  errno = error;
  return written;
}

}  // namespace vfsprof::vfs
