#pragma once

#define FUSE_USE_VERSION 35
#include <fuse_lowlevel.h>

#include <memory>
#include <utility>

#include "vfs/base/unique_fd.h"
#include "vfs/fuse/reply_descriptor.h"
#include "vfs/fuse/request_buffer.h"
#include "vfs/mount_options.h"

namespace vfsprof::vfs {

/// One session thread's way to the kernel: the buffer that it receives requests in, and the
/// descriptor that it receives them from and replies on.
class SessionChannel {
 public:
  /// Before the mount. Errors: MountError if the machine lacks what the options need.
  SessionChannel(const MountOptions& options, std::unique_ptr<PayloadPages> pages)
      : buffer_(options, std::move(pages)) {}

  /// The session's own descriptor is this channel's too.
  void share(int session_fd) { descriptor_ = session_fd; }
  /// Opens another descriptor to the mounted session (`clone_fd=on`). Errors: MountError.
  void clone(int session_fd);

  int descriptor() const { return descriptor_; }
  RequestBuffer& buffer() { return buffer_; }

  /// The channel of the calling session thread. Only inside its `ChannelScope`.
  static SessionChannel& current();

 private:
  RequestBuffer buffer_;
  UniqueFd own_;
  int descriptor_ = -1;
};

/// Makes a channel that of the calling thread while it is in scope.
class ChannelScope {
 public:
  explicit ChannelScope(SessionChannel& channel);
  ~ChannelScope();
  ChannelScope(const ChannelScope&) = delete;
  ChannelScope& operator=(const ChannelScope&) = delete;

 private:
  ScopedReplyDescriptor replies_;
};

/// Has libfuse receive and reply through the calling thread's channel. After the mount, before the
/// first request.
void use_channels(fuse_session& session);

}  // namespace vfsprof::vfs
