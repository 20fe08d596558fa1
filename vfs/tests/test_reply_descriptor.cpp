// On which descriptor a thread replies.

#include <gtest/gtest.h>

#include <thread>

#include "vfs/fuse/reply_descriptor.h"

namespace vfsprof::vfs {
namespace {

TEST(ReplyDescriptor, IsThatOfTheInnermostScope) {
  EXPECT_EQ(current_descriptor(), -1);
  {
    const ScopedReplyDescriptor outer(5);
    EXPECT_EQ(current_descriptor(), 5);
    {
      const ScopedReplyDescriptor inner(7);
      EXPECT_EQ(current_descriptor(), 7);
    }
    EXPECT_EQ(current_descriptor(), 5);
  }
  EXPECT_EQ(current_descriptor(), -1);
}

TEST(ReplyDescriptor, EachThreadHasItsOwn) {
  const ScopedReplyDescriptor scope(5);
  int seen = 0;
  std::thread([&seen] { seen = current_descriptor(); }).join();
  EXPECT_EQ(seen, -1);
}

}  // namespace
}  // namespace vfsprof::vfs
