#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>

#include "vfs/counters.h"
#include "vfs/tests/durable_fixture.h"

namespace vfsprof::vfs {
namespace {

/// A mount on a store that outlives it. Its end is what kill -9 does.
struct StoreMount {
  StoreMount(const TemporaryDirectory& directory, ObjectStore& store) : cache(directory.path()) {
    auto recovered = tree.recover(store);
    EXPECT_TRUE(recovered);
    if (recovered) recovery = std::move(*recovered);
  }
  /// The store keys of the files that it found.
  std::set<std::string> keys() const {
    std::set<std::string> keys;
    for (const auto& file : recovery.files) keys.insert(tree.names().store_key(file.inode));
    return keys;
  }
  InodeId find(std::string_view name) {
    const auto found = tree.names().lookup({kRootInode, name});
    return found ? found->inode : InodeId{};
  }
  InodeId make_synced(std::string_view name, std::string_view text) {
    const InodeId inode = tree.names().create_node({kRootInode, name}, {S_IFREG | 0600}, {})->inode;
    contents.write(inode, text);
    sync(inode);
    return inode;
  }
  void sync(InodeId inode) {
    EXPECT_TRUE(contents.write_back(inode, Durability::kDurable));
    EXPECT_TRUE(tree.sync(inode, SyncScope::kDataAndMetadata));
  }
  DiskCache cache;
  TestContents contents{cache};
  DurableTree tree{cache, contents};
  DurableTree::Recovery recovery;
};

using Keys = std::set<std::string>;

TEST(StoreRecovery, RemovedFilesOfTheStoreStayRemoved) {
  const TemporaryDirectory directory;
  MemoryStore store;
  for (const std::string_view key : {"plain", "synced", "replaced", "linked", "kept"}) {
    ASSERT_TRUE(store.put(key, bytes_of("object")));
  }
  std::uint64_t last_inode = 0;
  {
    StoreMount mount(directory, store);
    const InodeId synced = mount.find("synced");
    mount.contents.write(synced, "changed here");
    mount.sync(synced);
    ASSERT_TRUE(mount.tree.link(mount.find("linked"), {kRootInode, "second name"}));
    mount.make_synced("new", "new");
    for (const std::string_view name : {"plain", "synced", "linked"}) {
      EXPECT_TRUE(mount.tree.unlink({kRootInode, name})) << name;
    }
    EXPECT_TRUE(mount.tree.rename({kRootInode, "new"}, {kRootInode, "replaced"}, {}));
    last_inode = mount.find("replaced").value;
  }
  for (int i = 0; i < 2; ++i) {
    StoreMount mount(directory, store);
    EXPECT_TRUE(mount.recovery.faults.empty()) << mount.recovery.faults.front();
    // Of "linked", nothing was made durable: it is as if it had never been touched.
    EXPECT_EQ(mount.keys(), (Keys{"", "kept", "linked"}));
    EXPECT_EQ(read_cached(mount.cache, mount.find("replaced")), "new");
    EXPECT_EQ(files_in(directory, "data"), 1U);
    EXPECT_EQ(mount.find("plain"), InodeId{});
    // A new file has the name to itself, and no number that a tombstone has.
    EXPECT_GT(mount.make_synced("plain", "mine").value, last_inode);
    EXPECT_TRUE(mount.tree.unlink({kRootInode, "plain"}));
    EXPECT_TRUE(mount.tree.save_all());
  }
}

TEST(StoreRecovery, ARemovalFromTheStoreIsSyncedWithItsDirectory) {
  const TemporaryDirectory directory;
  MemoryStore store;
  ASSERT_TRUE(store.put("folder/file", bytes_of("object")));
  {
    StoreMount mount(directory, store);
    const InodeId folder = mount.find("folder");
    ASSERT_TRUE(mount.tree.unlink({folder, "file"}));
    ASSERT_TRUE(mount.tree.remove_directory({kRootInode, "folder"}));
    const std::uint64_t syncs = total(Counter::kCacheSyncs);
    EXPECT_TRUE(mount.tree.sync_directory(kRootInode));
    EXPECT_GE(total(Counter::kCacheSyncs) - syncs, 2U);  // the tombstone, and its folder
  }
  StoreMount mount(directory, store);
  EXPECT_EQ(mount.keys(), Keys{});
  EXPECT_EQ(mount.find("folder"), InodeId{});
}

TEST(StoreRecovery, AFileOfTheStoreThatWasHalfReplacedStaysReplaced) {
  const TemporaryDirectory directory;
  MemoryStore store;
  ASSERT_TRUE(store.put("file", bytes_of("object")));
  InodeId old;
  {
    StoreMount mount(directory, store);
    old = mount.find("file");
    mount.sync(old);
    // Killed when only the record of the file that moved in was written.
    InodeRecord moved;
    moved.attributes.inode = InodeId{old.value + 1};
    moved.attributes.mode = S_IFREG | 0600;
    moved.name_sequence = 100;
    moved.names = {{kRootInode, "file"}};
    moved.also = {{old, {}}};
    ASSERT_TRUE(
        mount.cache.write_file(InodeId{old.value + 1}, bytes_of("new"), Durability::kDurable));
    ASSERT_TRUE(mount.cache.write_record(moved, Durability::kDurable));
  }
  {
    StoreMount mount(directory, store);
    EXPECT_TRUE(mount.recovery.faults.empty()) << mount.recovery.faults.front();
    EXPECT_EQ(mount.keys(), Keys{""});
    EXPECT_EQ(read_cached(mount.cache, mount.find("file")), "new");
    EXPECT_TRUE(mount.tree.unlink({kRootInode, "file"}));
  }
  StoreMount mount(directory, store);
  EXPECT_EQ(mount.keys(), Keys{});
}

}  // namespace
}  // namespace vfsprof::vfs
