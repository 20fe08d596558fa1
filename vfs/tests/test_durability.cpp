#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "vfs/tests/durable_fixture.h"
#include "vfs/tests/file_size_limit.h"

namespace vfsprof::vfs {
namespace {

namespace fs = std::filesystem;

class DurabilityTest : public testing::Test {
 protected:
  fs::path record_path(InodeId inode) const {
    return directory_.path() / "records" / fmt::format("{:016x}", inode.value);
  }
  fs::path data_path(InodeId inode) const {
    return directory_.path() / "data" / fmt::format("{:016x}", inode.value);
  }
  TemporaryDirectory directory_;
};

EntryName in_root(std::string_view name) { return {kRootInode, name}; }

TEST_F(DurabilityTest, WhatWasSyncedComesBackWithItsDirectoriesAndAttributes) {
  InodeId file;
  {
    TestMount mount(directory_.path());
    const InodeId outer = mount.make("outer", S_IFDIR | 0710);
    const InodeId inner = mount.make({outer, "inner"}, S_IFDIR | 0750);
    mount.make("forgotten");
    file = mount.save_durably({inner, "file"}, "content");
    AttributeChange change;
    change.mode = 0640;
    change.uid = 12;
    change.accessed = timespec{1, 2};
    ASSERT_TRUE(mount.tree.names().set_attributes(file, change));
    ASSERT_EQ(mount.fsync(file), 0);
  }
  TestMount mount(directory_.path());
  EXPECT_TRUE(mount.recovery.faults.empty()) << mount.recovery.faults.front();
  EXPECT_EQ(mount.find("outer/inner/file"), file);
  EXPECT_EQ(mount.content("outer/inner/file"), "content");
  EXPECT_EQ(mount.attributes("outer/inner/file").mode, static_cast<mode_t>(S_IFREG | 0640));
  EXPECT_EQ(mount.attributes("outer/inner/file").uid, 12U);
  EXPECT_EQ(mount.attributes("outer/inner/file").accessed.tv_nsec, 2);
  EXPECT_EQ(mount.attributes("outer").mode, static_cast<mode_t>(S_IFDIR | 0710));
  EXPECT_EQ(mount.attributes("outer").links, 3U);
  EXPECT_EQ(mount.find("forgotten"), InodeId{});
  ASSERT_EQ(mount.recovery.files.size(), 1U);
  EXPECT_EQ(mount.recovery.files[0].size, 7U);
  EXPECT_EQ(mount.recovery.files[0].modified.tv_sec, 7);
  EXPECT_TRUE(mount.recovery.files[0].cached);
  EXPECT_GT(mount.make("new").value, file.value);
}

TEST_F(DurabilityTest, EverythingComesBackAfterACleanEnd) {
  {
    TestMount mount(directory_.path());
    mount.save(in_root("file"), "text");
    mount.make("device", S_IFIFO | 0600);
    ASSERT_TRUE(mount.tree.names().create_symlink(in_root("link"), "file", {}));
    ASSERT_TRUE(mount.tree.save_all());
  }
  TestMount mount(directory_.path());
  EXPECT_EQ(mount.content("file"), "text");
  EXPECT_EQ(mount.attributes("device").mode, static_cast<mode_t>(S_IFIFO | 0600));
  EXPECT_EQ(mount.tree.names().read_symlink(mount.find("link")).value(), "file");
}

TEST_F(DurabilityTest, ContentWithoutARecordIsSwept) {
  {
    TestMount mount(directory_.path());
    mount.save(in_root("file"), "text");
    EXPECT_EQ(files_in(directory_, "data"), 1U);
  }
  TestMount mount(directory_.path());
  EXPECT_EQ(files_in(directory_, "data"), 0U);
  EXPECT_EQ(mount.find("file"), InodeId{});
}

TEST_F(DurabilityTest, UnlinkedFilesAreNotResurrectedAndLeaveNothing) {
  {
    TestMount mount(directory_.path());
    const InodeId file = mount.save_durably(in_root("file"), "text");
    const InodeId open = mount.save_durably(in_root("open"), "text");
    ASSERT_TRUE(mount.tree.names().add_open(open));
    EXPECT_TRUE(mount.tree.unlink(in_root("file")));
    EXPECT_TRUE(mount.tree.unlink(in_root("open")));
    EXPECT_FALSE(fs::exists(record_path(file)) || fs::exists(data_path(file)));
    EXPECT_TRUE(fs::exists(data_path(open)));
    EXPECT_EQ(mount.fsync(open), 0);
    EXPECT_FALSE(fs::exists(record_path(open)));
  }
  {
    TestMount mount(directory_.path());
    EXPECT_EQ(mount.find("file"), InodeId{});
    EXPECT_EQ(mount.find("open"), InodeId{});
  }
  EXPECT_EQ(files_in(directory_, "data"), 0U);
}

TEST_F(DurabilityTest, HardLinksAndDirectoriesFollowTheirNames) {
  {
    TestMount mount(directory_.path());
    const InodeId file = mount.save_durably(in_root("one"), "text");
    ASSERT_TRUE(mount.tree.link(file, in_root("two")));
    ASSERT_TRUE(mount.tree.unlink(in_root("one")));
    const InodeId folder = mount.make("folder", S_IFDIR | 0755);
    mount.save_durably({folder, "inside"}, "inside");
    const InodeId fresh = mount.make("fresh", S_IFDIR | 0755);
    EXPECT_EQ(mount.rename(in_root("folder"), {fresh, "moved"}), 0);
    const InodeId removed = mount.make("removed", S_IFDIR | 0755);
    ASSERT_EQ(mount.fsync(removed), 0);
    ASSERT_TRUE(mount.tree.remove_directory(in_root("removed")));
  }
  TestMount mount(directory_.path());
  EXPECT_EQ(mount.find("one"), InodeId{});
  EXPECT_EQ(mount.content("two"), "text");
  EXPECT_EQ(mount.attributes("two").links, 1U);
  EXPECT_EQ(mount.content("fresh/moved/inside"), "inside");
  EXPECT_EQ(mount.find("folder"), InodeId{});
  EXPECT_EQ(mount.find("removed"), InodeId{});
}

TEST_F(DurabilityTest, RenameOverADurableFileMakesTheNewOneDurable) {
  InodeId target;
  fs::path saved = directory_.path() / "saved";
  {
    TestMount mount(directory_.path());
    target = mount.save_durably(in_root("target"), "old");
    fs::copy(record_path(target), saved);
    const InodeId source = mount.make("source");
    mount.contents.write(source, "new");  // dirty, never synced
    EXPECT_EQ(mount.rename(in_root("source"), in_root("target")), 0);
    EXPECT_FALSE(fs::exists(data_path(target)));
  }
  // As if the end had come before the old record was removed.
  fs::copy(saved, record_path(target));
  TestMount mount(directory_.path());
  EXPECT_TRUE(mount.recovery.faults.empty()) << mount.recovery.faults.front();
  EXPECT_EQ(mount.content("target"), "new");
  EXPECT_EQ(mount.find("source"), InodeId{});
  EXPECT_FALSE(fs::exists(record_path(target)));
}

TEST_F(DurabilityTest, RenameOfAnUnsyncedFileOverAnUnsyncedOneCostsNothing) {
  TestMount mount(directory_.path());
  mount.save(in_root("target"), "old");
  mount.contents.write(mount.make("source"), "new");
  EXPECT_EQ(mount.rename(in_root("source"), in_root("target")), 0);
  EXPECT_EQ(files_in(directory_, "records"), 0U);
  EXPECT_EQ(files_in(directory_, "data"), 0U);
}

TEST_F(DurabilityTest, AnExchangeHoldsWholeWhicheverRecordWasWritten) {
  for (const bool first_lost : {false, true}) {
    const TemporaryDirectory directory;
    const auto record = [&](InodeId inode) {
      return directory.path() / "records" / fmt::format("{:016x}", inode.value);
    };
    InodeId lost;
    const fs::path saved = directory.path() / "saved";
    {
      TestMount mount(directory.path());
      const InodeId x = mount.save_durably(in_root("x"), "was x");
      const InodeId y = mount.save_durably(in_root("y"), "was y");
      lost = first_lost ? x : y;
      fs::copy(record(lost), saved);
      EXPECT_EQ(mount.rename(in_root("x"), in_root("y"), {.exchange = true}), 0);
    }
    fs::copy(saved, record(lost), fs::copy_options::overwrite_existing);
    TestMount mount(directory.path());
    EXPECT_TRUE(mount.recovery.faults.empty());
    EXPECT_EQ(mount.content("x"), "was y");
    EXPECT_EQ(mount.content("y"), "was x");
  }
}

TEST_F(DurabilityTest, SyncOfADirectoryKeepsItsNames) {
  {
    TestMount mount(directory_.path());
    const InodeId folder = mount.make("folder", S_IFDIR | 0755);
    mount.save({folder, "closed"}, "closed");
    mount.make({folder, "empty"});
    mount.make({folder, "sub"}, S_IFDIR | 0755);
    mount.make("elsewhere");
    EXPECT_TRUE(mount.tree.sync_directory(folder));
  }
  TestMount mount(directory_.path());
  EXPECT_EQ(mount.content("folder/closed"), "closed");
  EXPECT_EQ(mount.content("folder/empty"), "");
  EXPECT_TRUE(S_ISDIR(mount.attributes("folder/sub").mode));
  EXPECT_EQ(mount.find("elsewhere"), InodeId{});
}

TEST_F(DurabilityTest, ADataSyncWritesTheRecordOnce) {
  TestMount mount(directory_.path());
  const InodeId file = mount.save_durably(in_root("file"), "one");
  const auto record = [&] {
    std::ifstream stream(record_path(file));
    return std::string(std::istreambuf_iterator<char>(stream), {});
  };
  const std::string written = record();
  AttributeChange change;
  change.mode = 0600;
  ASSERT_TRUE(mount.tree.names().set_attributes(file, change));
  mount.contents.write(file, "two");
  EXPECT_EQ(mount.fsync(file, SyncScope::kData), 0);
  EXPECT_EQ(record(), written);
  EXPECT_EQ(mount.content("file"), "two");
  EXPECT_EQ(mount.fsync(file), 0);
  EXPECT_NE(record(), written);
}

TEST_F(DurabilityTest, ARecordThatCannotBeWrittenStaysPendingAndFailsTheNextSync) {
  {
    TestMount mount(directory_.path());
    const InodeId file = mount.save_durably(in_root("file"), "text");
    mount.save_durably(in_root("target"), "old");
    {
      const FileSizeLimit limit(0);
      EXPECT_EQ(mount.rename(in_root("file"), in_root("target")), 0);
      EXPECT_EQ(mount.content("target"), "text");
      EXPECT_EQ(mount.fsync(file), EFBIG);
      EXPECT_EQ(error_of(mount.tree.sync_directory(kRootInode)), EFBIG);
    }
    {
      // What a restart would find now is the state before.
      const TemporaryDirectory copy;
      fs::copy(directory_.path() / "records", copy.path() / "records");
      fs::copy(directory_.path() / "data", copy.path() / "data");
      TestMount other(copy.path());
      EXPECT_EQ(other.content("target"), "old");
      EXPECT_EQ(other.content("file"), "text");
    }
    EXPECT_EQ(mount.fsync(file), 0);
  }
  TestMount mount(directory_.path());
  EXPECT_EQ(mount.content("target"), "text");
  EXPECT_EQ(mount.find("file"), InodeId{});
  EXPECT_EQ(files_in(directory_, "data"), 1U);
}

TEST_F(DurabilityTest, HoldsWhileThreadsSyncRenameAndUnlinkTheSameNames) {
  std::map<std::string, std::string> expected;
  {
    TestMount mount(directory_.path());
    const std::array<InodeId, 2> folders{mount.make("left", S_IFDIR | 0755),
                                         mount.make("right", S_IFDIR | 0755)};
    {
      std::vector<std::jthread> threads;
      for (unsigned seed = 0; seed < 4; ++seed) {
        threads.emplace_back([&, seed] {
          std::mt19937 random(seed);
          std::string name;
          std::string other;
          const auto entry = [&](std::string& text) {
            text = std::string(1, static_cast<char>('a' + random() % 4));
            return EntryName{folders[random() % 2], text};
          };
          for (int i = 0; i < 150; ++i) {
            const EntryName at = entry(name);
            const auto found = mount.tree.names().lookup(at);
            switch (random() % 5) {
              case 0:
              case 1: {
                const auto made = mount.tree.names().create_node(at, {S_IFREG | 0644}, {});
                if (!made) break;
                mount.contents.write(made->inode, fmt::format("{}", made->inode.value));
                EXPECT_TRUE(mount.contents.write_back(made->inode));
                mount.tree.names().forget(made->inode, 1);
                break;
              }
              case 2:
                EXPECT_TRUE(!found || mount.fsync(found->inode) == 0);
                break;
              case 3:
                (void)mount.tree.unlink(at);
                break;
              default:
                (void)mount.tree.rename(at, entry(other), {.exchange = random() % 4 == 0});
            }
            if (found) mount.tree.names().forget(found->inode, 1);
          }
        });
      }
    }
    EXPECT_TRUE(mount.tree.sync_directory(folders[0]));
    EXPECT_TRUE(mount.tree.sync_directory(folders[1]));
    for (const std::string folder : {"left", "right"}) {
      for (char name = 'a'; name < 'e'; ++name) {
        const std::string path = folder + "/" + name;
        if (const auto text = mount.content(path)) expected[path] = *text;
      }
    }
    // Two folders, the root, and what has a name: nothing else may have left a record or content.
    EXPECT_EQ(files_in(directory_, "records"), expected.size() + 3);
    EXPECT_EQ(files_in(directory_, "data"), expected.size());
  }
  TestMount mount(directory_.path());
  EXPECT_TRUE(mount.recovery.faults.empty()) << mount.recovery.faults.front();
  for (const auto& [path, text] : expected) EXPECT_EQ(mount.content(path), text) << path;
  EXPECT_EQ(mount.recovery.files.size(), expected.size());
}

}  // namespace
}  // namespace vfsprof::vfs
