// What the kernel does not offer is refused, never ignored.

#include <gtest/gtest.h>

#include <string>

#include "vfs/fuse/handshake.h"

namespace vfsprof::vfs {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Handshake, RefusesNothingThatIsOffered) {
  const MountOptions everything{.max_write = kMiB,
                                .threads = 4,
                                .clone_fd = true,
                                .writeback = true,
                                .splice = true,
                                .direct_io = true};
  EXPECT_EQ(refusal(everything, {.max_write = kMiB, .writeback = true}), "");
  EXPECT_EQ(refusal({.max_write = 4096}, {.max_write = 4096, .writeback = false}), "");
}

TEST(Handshake, NamesTheOptionThatIsNotOffered) {
  const std::string size = refusal({.max_write = kMiB}, {.max_write = kMiB / 8});
  EXPECT_TRUE(has(size, "max_write=1m") && has(size, "128k") && has(size, "choose")) << size;
  const std::string cache =
      refusal({.max_write = 4096, .writeback = true}, {.max_write = kMiB, .writeback = false});
  EXPECT_TRUE(has(cache, "writeback=on") && has(cache, "choose writeback=off")) << cache;
}

TEST(Handshake, AsksForWhatTheOptionsNeed) {
  fuse_conn_info connection{};
  connection.max_write = kMiB;
  connection.capable = FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_AUTO_INVAL_DATA;
  connection.want = FUSE_CAP_AUTO_INVAL_DATA;
  EXPECT_EQ(shake_hands({.max_write = 4096, .writeback = true}, connection), "");
  EXPECT_EQ(connection.want, static_cast<unsigned>(FUSE_CAP_WRITEBACK_CACHE));
  EXPECT_EQ(connection.max_write, 4096u);
}

TEST(Handshake, ARefusedConnectionWantsMoreThanThereIs) {
  fuse_conn_info connection{};
  connection.max_write = kMiB;
  EXPECT_NE(shake_hands({.max_write = 4096, .writeback = true}, connection), "");
  EXPECT_NE(connection.want & ~connection.capable, 0u);
}

}  // namespace
}  // namespace vfsprof::vfs
