#pragma once

namespace vfsprof::vfs {

/// The descriptor on which the calling thread replies: the one that its requests come from. -1 on a
/// thread that receives none and is inside no ScopedReplyDescriptor; then the session's own is
/// used.
///
/// With `clone_fd=on` each session thread has one of its own, and the kernel knows a request only
/// on the descriptor that it was read from.
int current_descriptor();

/// Makes the calling thread reply on another thread's descriptor while it is in scope: a worker
/// that replies to a request takes `current_descriptor()` of the session thread that received it.
/// The descriptor must stay open meanwhile.
class ScopedReplyDescriptor {
 public:
  explicit ScopedReplyDescriptor(int descriptor);
  ~ScopedReplyDescriptor();
  ScopedReplyDescriptor(const ScopedReplyDescriptor&) = delete;
  ScopedReplyDescriptor& operator=(const ScopedReplyDescriptor&) = delete;

 private:
  const int before_;
};

}  // namespace vfsprof::vfs
