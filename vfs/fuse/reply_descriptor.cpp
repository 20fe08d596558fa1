#include "vfs/fuse/reply_descriptor.h"

#include <utility>

namespace vfsprof::vfs {
namespace {

thread_local int reply_descriptor = -1;

}  // namespace

int current_descriptor() { return reply_descriptor; }

ScopedReplyDescriptor::ScopedReplyDescriptor(int descriptor)
    : before_(std::exchange(reply_descriptor, descriptor)) {}

ScopedReplyDescriptor::~ScopedReplyDescriptor() { reply_descriptor = before_; }

}  // namespace vfsprof::vfs
