// Serving one request at a time.

#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <optional>
#include <thread>
#include <utility>

#include "vfs/fuse/lockstep.h"

namespace vfsprof::vfs {
namespace {

TEST(Lockstep, EndsThoughAQuestionWaitsThatNobodyWillAnswer) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd asker(ends[0]);
  const UniqueFd device(::eventfd(0, EFD_CLOEXEC));
  std::optional<Lockstep> lockstep;
  lockstep.emplace(UniqueFd(ends[1]), [] {});
  lockstep->attach(device.get());  // and no session thread: they have ended
  ASSERT_EQ(::send(asker.get(), "?", 1, 0), 1);
  for (int unread = 1; unread > 0; std::this_thread::yield()) {
    ASSERT_EQ(::ioctl(asker.get(), SIOCOUTQ, &unread), 0);
  }
  lockstep.reset();
  char answer = 0;
  EXPECT_EQ(::recv(asker.get(), &answer, 1, 0), 0);
}

}  // namespace
}  // namespace vfsprof::vfs
