// Replies that the kernel does not take any more: what they told of is taken back.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fuse.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "vfs/fuse/operations.h"
#include "vfs/null_engine.h"

namespace vfsprof::vfs {
namespace {

/// What the kernel answers to a reply once the connection was aborted.
ssize_t refuse(int, iovec*, int, void*) {
  errno = ENOENT;
  return -1;
}
ssize_t nothing_to_read(int, void*, size_t, void*) { return 0; }

template <class T>
std::string bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}
std::string text(std::string_view name) { return std::string(name) + '\0'; }

class UntakenReplies : public testing::Test {
 protected:
  UntakenReplies() {
    char program[] = "test";
    char* arguments[] = {program, nullptr};
    fuse_args args = FUSE_ARGS_INIT(1, arguments);
    session_ = fuse_session_new(&args, &fuse_operations(), sizeof(fuse_lowlevel_ops), &served_);
    fuse_opt_free_args(&args);
    const fuse_custom_io io{.writev = refuse,
                            .read = nothing_to_read,
                            .splice_receive = nullptr,
                            .splice_send = nullptr};
    // The session closes the descriptor.
    EXPECT_EQ(fuse_session_custom_io(session_, &io, ::eventfd(0, EFD_CLOEXEC)), 0);
    fuse_init_in hello{};
    hello.major = FUSE_KERNEL_VERSION;
    hello.minor = 31;
    request(FUSE_INIT, 0, bytes_of(hello).substr(0, 16));
    EXPECT_EQ(served_.refusal, "");
  }
  ~UntakenReplies() override { fuse_session_destroy(session_); }

  void request(std::uint32_t opcode, std::uint64_t node, const std::string& body) {
    fuse_in_header header{};
    header.len = static_cast<std::uint32_t>(sizeof header + body.size());
    header.opcode = opcode;
    header.unique = next_ += 2;
    header.nodeid = node;
    header.uid = ::getuid();
    std::string message = bytes_of(header) + body;
    fuse_buf buffer{};
    buffer.mem = message.data();
    buffer.size = message.size();
    fuse_session_process_buf(session_, &buffer);
  }

  InodeId make(std::string_view name) {
    const auto made = engine_.create_node({kRootInode, name}, {.mode = S_IFREG | 0644}, {});
    EXPECT_TRUE(made);
    return made->inode;
  }
  /// Whether nobody holds the file but by its name.
  bool goes_with_its_name(std::string_view name) {
    const std::uint64_t before = engine_.usage().inodes;
    EXPECT_TRUE(engine_.unlink({kRootInode, name}));
    return engine_.usage().inodes + 1 == before;
  }

  NullEngine engine_;
  DirectFrontend frontend_{engine_};
  ServedFileSystem served_{engine_, frontend_, {.max_write = 4096, .threads = 1}, [] {}};
  fuse_session* session_ = nullptr;
  std::uint64_t next_ = 0;
};

TEST_F(UntakenReplies, ALookUpIsTakenBack) {
  const InodeId inode = make("a");
  request(FUSE_LOOKUP, kRootInode.value, text("a"));
  engine_.forget(inode, 1);  // that of its making
  EXPECT_TRUE(goes_with_its_name("a"));
}

TEST_F(UntakenReplies, TheLookUpOfANewNameIsTakenBack) {
  fuse_mknod_in node{};
  node.mode = S_IFREG | 0644;
  request(FUSE_MKNOD, kRootInode.value, bytes_of(node) + text("node"));
  EXPECT_TRUE(goes_with_its_name("node"));
  request(FUSE_SYMLINK, kRootInode.value, text("link") + text("target"));
  EXPECT_TRUE(goes_with_its_name("link"));
  const InodeId inode = make("a");
  engine_.forget(inode, 1);
  request(FUSE_LINK, kRootInode.value, bytes_of(fuse_link_in{inode.value}) + text("b"));
  EXPECT_TRUE(engine_.unlink({kRootInode, "a"}));
  EXPECT_TRUE(goes_with_its_name("b"));
}

TEST_F(UntakenReplies, AnOpenFileIsClosed) {
  const InodeId inode = make("a");
  engine_.forget(inode, 1);
  request(FUSE_OPEN, inode.value, bytes_of(fuse_open_in{}));
  EXPECT_TRUE(goes_with_its_name("a"));
  fuse_create_in create{};
  create.flags = O_RDWR;
  create.mode = S_IFREG | 0644;
  request(FUSE_CREATE, kRootInode.value, bytes_of(create) + text("b"));
  EXPECT_TRUE(goes_with_its_name("b"));
}

}  // namespace
}  // namespace vfsprof::vfs
