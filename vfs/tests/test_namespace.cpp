#include <gtest/gtest.h>
#include <sys/stat.h>

#include <set>

#include "vfs/namespace/namespace.h"
#include "vfs/tests/namespace_fixture.h"

namespace vfsprof::vfs {
namespace {

TEST_F(NamespaceTest, RefusesNamesThatCannotBe) {
  EXPECT_EQ(error_of(names_.create_node({kRootInode, std::string(256, 'a')}, kFile, kOwner)),
            ENAMETOOLONG);
  EXPECT_TRUE(names_.create_node({kRootInode, std::string(255, 'a')}, kFile, kOwner));
  for (const std::string_view name : {"", ".", "..", "a/b"}) {
    EXPECT_EQ(error_of(names_.create_node({kRootInode, name}, kFile, kOwner)), EINVAL) << name;
  }
  EXPECT_EQ(error_of(names_.lookup({kRootInode, "none"})), ENOENT);
  EXPECT_EQ(error_of(names_.lookup({make("file"), "below"})), ENOTDIR);
  EXPECT_EQ(error_of(names_.lookup({InodeId{999}, "x"})), ESTALE);
  EXPECT_EQ(error_of(names_.create_node({kRootInode, "file"}, kFolder, kOwner)), EEXIST);
}

TEST_F(NamespaceTest, DirectoriesCountTheirSubdirectoriesAndEntries) {
  const InodeId folder = make("folder", kFolder);
  EXPECT_EQ(links(folder), 2U);
  make({folder, "sub"}, kFolder);
  make({folder, "file"});
  EXPECT_EQ(links(folder), 3U);
  EXPECT_EQ(names_.attributes(folder)->size, 4 * Namespace::kBytesPerEntry);
  EXPECT_EQ(error_of(names_.remove_directory({kRootInode, "folder"})), ENOTEMPTY);
  EXPECT_EQ(error_of(names_.remove_directory({folder, "file"})), ENOTDIR);
  EXPECT_EQ(error_of(names_.unlink({folder, "sub"})), EISDIR);
  EXPECT_TRUE(names_.remove_directory({folder, "sub"}));
  EXPECT_EQ(links(folder), 2U);
}

TEST_F(NamespaceTest, NothingCanBeMadeInARemovedDirectoryThatIsStillOpen) {
  const InodeId folder = make("folder", kFolder);
  ASSERT_TRUE(names_.remove_directory({kRootInode, "folder"}));
  EXPECT_EQ(links(folder), 0U);
  EXPECT_EQ(error_of(names_.create_node({folder, "x"}, kFile, kOwner)), ENOENT);
  make("file");
  EXPECT_EQ(rename({kRootInode, "file"}, {folder, "x"}), ENOENT);
}

TEST_F(NamespaceTest, AnInodeGoesOnceWithTheLastOfNamesLookupsAndOpens) {
  const InodeId file = make("file");
  ASSERT_TRUE(names_.link(file, {kRootInode, "second"}));
  ASSERT_TRUE(names_.add_open(file));
  EXPECT_TRUE(names_.unlink({kRootInode, "file"}));
  EXPECT_TRUE(names_.unlink({kRootInode, "second"}));
  names_.forget(file, 2);  // one of the create, one of the link
  EXPECT_TRUE(gone_.empty());
  EXPECT_EQ(links(file), 0U);
  EXPECT_EQ(error_of(names_.link(file, {kRootInode, "again"})), ENOENT);
  names_.drop_open(file);
  EXPECT_EQ(gone_, (std::map<std::uint64_t, int>{{file.value, 1}}));
  names_.forget(file, 1);
  EXPECT_EQ(gone_[file.value], 1);
  EXPECT_EQ(error_of(names_.attributes(file)), ESTALE);
  EXPECT_NE(make("file"), file);
}

TEST_F(NamespaceTest, LinksAreLimited) {
  const InodeId file = make("file");
  EXPECT_EQ(error_of(names_.link(kRootInode, {kRootInode, "root"})), EPERM);
  for (nlink_t i = 1; i < Namespace::kMaxLinks; ++i) {
    ASSERT_TRUE(names_.link(file, {kRootInode, std::to_string(i)}));
  }
  EXPECT_EQ(error_of(names_.link(file, {kRootInode, "one more"})), EMLINK);
}

TEST_F(NamespaceTest, RenameKeepsPosixRules) {
  const InodeId a = make("a", kFolder);
  const InodeId b = make({a, "b"}, kFolder);
  const InodeId file = make("file");
  make("other", kFolder);
  EXPECT_EQ(rename({kRootInode, "a"}, {b, "below"}), EINVAL);
  EXPECT_EQ(rename({kRootInode, "a"}, {a, "self"}), EINVAL);
  EXPECT_EQ(rename({kRootInode, "other"}, {kRootInode, "a"}), ENOTEMPTY);
  EXPECT_EQ(rename({kRootInode, "file"}, {kRootInode, "a"}), EISDIR);
  EXPECT_EQ(rename({kRootInode, "a"}, {kRootInode, "file"}), ENOTDIR);
  EXPECT_EQ(rename({kRootInode, "none"}, {kRootInode, "x"}), ENOENT);
  EXPECT_EQ(rename({kRootInode, "file"}, {kRootInode, "a"}, {.no_replace = true}), EEXIST);
  EXPECT_EQ(rename({kRootInode, "file"}, {kRootInode, "x"}, {.exchange = true}), ENOENT);
  EXPECT_EQ(rename({kRootInode, "a"}, {a, "b"}, {.exchange = true}), EINVAL);
  EXPECT_EQ(rename({a, "b"}, {kRootInode, "a"}, {.exchange = true}), EINVAL);
  EXPECT_EQ(rename({kRootInode, "a"}, {kRootInode, "x"}, {.no_replace = true, .exchange = true}),
            EINVAL);
  EXPECT_EQ(rename({a, "b"}, {kRootInode, "other"}), 0);
  EXPECT_EQ(peek({kRootInode, "other"}), b);
  EXPECT_EQ(links(a), 2U);
  EXPECT_EQ(links(kRootInode), 4U);
  EXPECT_EQ(rename({kRootInode, "file"}, {a, "moved"}, {.no_replace = true}), 0);
  EXPECT_EQ(peek({a, "moved"}), file);
}

TEST_F(NamespaceTest, RenameBetweenLinksOfOneInodeDoesNothing) {
  const InodeId file = make("file");
  ASSERT_TRUE(names_.link(file, {kRootInode, "second"}));
  const auto renamed = names_.rename({kRootInode, "file"}, {kRootInode, "second"}, {});
  ASSERT_TRUE(renamed);
  EXPECT_FALSE(renamed->changed);
  EXPECT_EQ(links(file), 2U);
  EXPECT_EQ(rename({kRootInode, "file"}, {kRootInode, "file"}), 0);
  EXPECT_EQ(peek({kRootInode, "file"}), file);
}

TEST_F(NamespaceTest, RenameOverAFileThatIsOpenKeepsItUntilItIsClosed) {
  const InodeId old_file = make("target");
  const InodeId new_file = make("source");
  ASSERT_TRUE(names_.add_open(old_file));
  names_.forget(old_file, 1);
  EXPECT_EQ(rename({kRootInode, "source"}, {kRootInode, "target"}), 0);
  EXPECT_EQ(peek({kRootInode, "target"}), new_file);
  EXPECT_EQ(peek({kRootInode, "source"}), InodeId{});
  EXPECT_TRUE(gone_.empty());
  names_.drop_open(old_file);
  EXPECT_EQ(gone_[old_file.value], 1);
}

TEST_F(NamespaceTest, ExchangeOfADirectoryAndAFileMovesTheLinkOfDotDot) {
  const InodeId left = make("left", kFolder);
  const InodeId right = make("right", kFolder);
  const InodeId folder = make({left, "x"}, kFolder);
  const InodeId file = make({right, "y"});
  EXPECT_EQ(rename({left, "x"}, {right, "y"}, {.exchange = true}), 0);
  EXPECT_EQ(peek({left, "x"}), file);
  EXPECT_EQ(peek({right, "y"}), folder);
  EXPECT_EQ(links(left), 2U);
  EXPECT_EQ(links(right), 3U);
  names_.forget(folder, 1);
  EXPECT_TRUE(names_.remove_directory({right, "y"}));
  EXPECT_EQ(links(right), 2U);
  EXPECT_EQ(gone_[folder.value], 1);
}

TEST_F(NamespaceTest, NewNodesTakeTheGroupOfASetGidDirectory) {
  const InodeId folder = make("folder", kFolder);
  AttributeChange change;
  change.mode = 02755;
  change.gid = 77;
  ASSERT_TRUE(names_.set_attributes(folder, change));
  EXPECT_EQ(names_.attributes(make({folder, "file"}))->gid, 77U);
  const auto sub = names_.attributes(make({folder, "sub"}, kFolder));
  EXPECT_EQ(sub->gid, 77U);
  EXPECT_EQ(sub->mode, static_cast<mode_t>(S_IFDIR | 02755));
}

TEST_F(NamespaceTest, SetAttributesKeepsTheTypeAndLeavesContentTimesOfFilesAlone) {
  const InodeId file = make("file");
  AttributeChange change;
  change.mode = 0600;
  change.uid = 5;
  change.size = 9;
  change.accessed = timespec{1, 2};
  change.modified = timespec{3, 4};
  const auto changed = names_.set_attributes(file, change);
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->mode, static_cast<mode_t>(S_IFREG | 0600));
  EXPECT_EQ(changed->uid, 5U);
  EXPECT_EQ(changed->gid, kOwner.gid);
  EXPECT_EQ(changed->size, 0U);
  EXPECT_EQ(changed->accessed.tv_nsec, 2);
  EXPECT_EQ(changed->modified.tv_sec, 0);
  const auto folder = names_.set_attributes(make("folder", kFolder), change);
  EXPECT_EQ(folder->modified.tv_sec, 3);
}

TEST_F(NamespaceTest, SymbolicLinksKeepTheirTarget) {
  const auto made = names_.create_symlink({kRootInode, "link"}, "../else where", kOwner);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->size, 13U);
  EXPECT_EQ(names_.read_symlink(made->inode).value(), "../else where");
  EXPECT_EQ(error_of(names_.read_symlink(kRootInode)), EINVAL);
  EXPECT_EQ(error_of(names_.create_symlink({kRootInode, "long"}, std::string(4096, 'x'), kOwner)),
            ENAMETOOLONG);
}

TEST_F(NamespaceTest, AListingInPiecesShowsWhatStaysOnceWhileOthersComeAndGo) {
  std::set<std::string> staying;
  for (int i = 0; i < 300; ++i) {
    staying.insert("stays" + std::to_string(i));
    make("stays" + std::to_string(i));
    make("goes" + std::to_string(i));
  }
  std::multiset<std::string> seen;
  std::uint64_t cookie = 0;
  for (int step = 0; true; ++step) {
    int taken = 0;
    ASSERT_TRUE(names_.read_directory(kRootInode, cookie, [&](const DirectoryEntry& entry) {
      if (taken == 7) return false;
      ++taken;
      seen.emplace(entry.name);
      cookie = entry.next;
      return true;
    }));
    if (taken == 0) break;
    (void)names_.unlink({kRootInode, "goes" + std::to_string(step)});
    make("comes" + std::to_string(step));
    // A name that is replaced keeps its place.
    make("temporary");
    ASSERT_EQ(rename({kRootInode, "temporary"}, {kRootInode, "stays" + std::to_string(step)}), 0);
  }
  for (const std::string& name : staying) EXPECT_EQ(seen.count(name), 1U) << name;
  EXPECT_EQ(seen.count("."), 1U);
  EXPECT_EQ(seen.count(".."), 1U);
}

TEST_F(NamespaceTest, ALoopThatRenamesWhatItListsEnds) {
  for (int i = 0; i < 100; ++i) make(std::to_string(i));
  std::uint64_t cookie = 2;
  int renames = 0;
  for (bool more = true; more; ++renames) {
    ASSERT_LT(renames, 100000);
    std::string name;
    more = false;
    ASSERT_TRUE(names_.read_directory(kRootInode, cookie, [&](const DirectoryEntry& entry) {
      if (!name.empty()) return false;
      name = entry.name;
      cookie = entry.next;
      return true;
    }));
    if (name.empty()) break;
    more = true;
    ASSERT_EQ(rename({kRootInode, name}, {kRootInode, name.substr(0, 200) + "x"}), 0);
  }
  EXPECT_EQ(list(kRootInode).size(), 102U);
}

}  // namespace
}  // namespace vfsprof::vfs
