#include "vfs/fuse/session_channel.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fuse.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstddef>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#include <sanitizer/tsan_interface.h>
#define VFSPROF_TSAN
#endif
#endif

#include "vfs/base/check.h"
#include "vfs/base/result.h"
#include "vfs/fuse/mount_error.h"
#include "vfs/fuse/request_stamps.h"
#include "vfs/record/request_recorder.h"

namespace vfsprof::vfs {
namespace {

thread_local SessionChannel* this_channel = nullptr;

// The kernel sends a request that uses a handle only after the reply that gave the handle, so what
// one session thread did before a reply happens before what another does with a later request.
// ThreadSanitizer sees that where both use one descriptor, but not through clones and pipes.
#ifdef VFSPROF_TSAN
char kernel_order;
void replied() { __tsan_release(&kernel_order); }
void received() { __tsan_acquire(&kernel_order); }
#else
void replied() {}
void received() {}
#endif

/// libfuse's read(): into the channel's buffer, which is the one that libfuse was given.
ssize_t receive(int, void* memory, size_t, void*) {
  SessionChannel& channel = SessionChannel::current();
  VFSPROF_CHECK(memory == channel.buffer().message());
  const ssize_t size = channel.buffer().receive(channel.descriptor());
  received();
  if (size > 0) {
    const std::span message(static_cast<const std::byte*>(memory), static_cast<std::size_t>(size));
    stamp_request(message);
    if (request_recorder != nullptr) request_recorder->request(message);
  }
  return size;
}

/// libfuse's writev(): a reply, or a notice that belongs to no request.
ssize_t send(int session_fd, iovec* parts, int count, void*) {
  const int descriptor = current_descriptor();
  replied();
  if (request_recorder != nullptr) request_recorder->reply(parts, count);
  return stamped_writev(descriptor >= 0 ? descriptor : session_fd, parts, count);
}

}  // namespace

void SessionChannel::clone(int session_fd) {
  own_.reset(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
  auto session = static_cast<std::uint32_t>(session_fd);
  if (!own_ || ::ioctl(own_.get(), FUSE_DEV_IOC_CLONE, &session) != 0) {
    throw MountError(
        fmt::format("clone_fd=on: the kernel gives a session thread no descriptor of its own: {}; "
                    "it takes Linux 4.2 and an open-file limit above the number of threads; choose "
                    "clone_fd=off",
                    describe(Errno{errno})));
  }
  descriptor_ = own_.get();
}

SessionChannel& SessionChannel::current() {
  VFSPROF_CHECK(this_channel != nullptr);
  return *this_channel;
}

ChannelScope::ChannelScope(SessionChannel& channel) : replies_(channel.descriptor()) {
  this_channel = &channel;
}

ChannelScope::~ChannelScope() { this_channel = nullptr; }

void use_channels(fuse_session& session) {
  constexpr fuse_custom_io kChannelIo{
      .writev = send, .read = receive, .splice_receive = nullptr, .splice_send = nullptr};
  VFSPROF_CHECK(fuse_session_custom_io(&session, &kChannelIo, fuse_session_fd(&session)) == 0);
}

}  // namespace vfsprof::vfs
