#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "vfs/store/directory_store.h"
#include "vfs/tests/error_of.h"
#include "vfs/tests/temporary_directory.h"

namespace vfsprof::vfs {
namespace {

namespace fs = std::filesystem;

class DirectoryStoreTest : public testing::Test {
 protected:
  int put(std::string_view key, std::string_view text) {
    return error_of(store_.put(key, std::as_bytes(std::span(text))));
  }
  std::string fetch(std::string_view key, std::uint64_t offset = 0, std::size_t size = 1000) {
    std::string text(size, '\0');
    const auto got = store_.fetch(key, offset, std::as_writable_bytes(std::span(text)));
    return got ? text.substr(0, *got) : "error " + std::to_string(got.error().value);
  }
  /// The keys of all pages, and how many pages there were.
  static std::vector<std::string> keys_of(ObjectStore& store, int* pages = nullptr) {
    std::vector<std::string> keys;
    std::string after;
    do {
      const auto page = store.list(after);
      EXPECT_TRUE(page);
      if (!page) break;
      for (const StoredObject& object : page->objects) keys.push_back(object.key);
      after = page->next;
      if (pages != nullptr) ++*pages;
    } while (!after.empty());
    return keys;
  }

  const TemporaryDirectory directory_;
  const TemporaryDirectory outside_;
  DirectoryStore store_{directory_.path()};
  const std::string absent_ = "error " + std::to_string(ENOENT);
  const std::string invalid_ = "error " + std::to_string(EINVAL);
};

TEST_F(DirectoryStoreTest, FetchesRangesOfWhatWasPut) {
  EXPECT_EQ(fetch("a/b/key"), absent_);
  EXPECT_EQ(put("a/b/key", "hello world"), 0);
  EXPECT_EQ(fetch("a/b/key", 0, 5), "hello");
  EXPECT_EQ(fetch("a/b/key", 6, 100), "world");
  EXPECT_EQ(fetch("a/b/key", 11, 1), "");
  EXPECT_EQ(fetch("a/b/key", 1000, 1), "");
  EXPECT_EQ(put("a/b/key", "short"), 0);
  EXPECT_EQ(fetch("a/b/key"), "short");
  EXPECT_EQ(put("empty", ""), 0);
  EXPECT_EQ(fetch("empty"), "");
}

TEST_F(DirectoryStoreTest, OutlivesItsObject) {
  EXPECT_EQ(put("a/key", "text"), 0);
  DirectoryStore again(directory_.path());
  const auto page = again.list("");
  ASSERT_EQ(page->objects.size(), 1U);
  EXPECT_EQ(page->objects[0].key, "a/key");
  EXPECT_EQ(page->objects[0].size, 4U);
  struct stat status{};
  ASSERT_EQ(::stat((directory_.path() / "a" / "key").c_str(), &status), 0);
  EXPECT_EQ(page->objects[0].modified_s, status.st_mtim.tv_sec);
}

TEST_F(DirectoryStoreTest, ListsInTheOrderOfKeysHoweverPagesAreCut) {
  // '-' and '.' come before '/', '0' behind it: the order of keys is not that of the directories.
  const std::vector<std::string> expected{"a-b", "a.b/deep/x", "a/1", "a/2", "a/2.5/y", "a0", "b"};
  for (const std::string& key : {expected[3], expected[6], expected[0], expected[5], expected[4],
                                 expected[2], expected[1]}) {
    ASSERT_EQ(put(key, key), 0);
  }
  fs::create_directory(directory_.path() / "empty");
  for (std::size_t page_objects = 1; page_objects <= expected.size(); ++page_objects) {
    DirectoryStore store(directory_.path(), page_objects);
    int pages = 0;
    EXPECT_EQ(keys_of(store, &pages), expected) << page_objects;
    EXPECT_EQ(pages, static_cast<int>((expected.size() + page_objects - 1) / page_objects));
  }
  // From the middle of a directory, and from keys that are not there.
  EXPECT_EQ(store_.list("a/1")->objects.front().key, "a/2");
  EXPECT_EQ(store_.list("a/15")->objects.front().key, "a/2");
  EXPECT_EQ(store_.list("a/z")->objects.front().key, "a0");
  EXPECT_TRUE(store_.list("c")->objects.empty());
}

TEST_F(DirectoryStoreTest, RefusesKeysThatLeadElsewhere) {
  std::ofstream(outside_.path() / "secret") << "secret";
  ASSERT_EQ(put("file", "text"), 0);
  const std::string up = "../" + outside_.path().filename().string() + "/secret";
  for (const std::string& key :
       {std::string(), std::string("/"), std::string("/file"), outside_.path().string() + "/secret",
        up, std::string(".."), std::string("."), std::string("./file"), std::string("a//b"),
        std::string("a/"), std::string("a/../file"), std::string(".vfsprof-put/x"),
        std::string("file\0more", 9)}) {
    EXPECT_EQ(fetch(key), invalid_) << key;
    EXPECT_EQ(put(key, "x"), EINVAL) << key;
  }
  EXPECT_EQ(keys_of(store_), std::vector<std::string>{"file"});
  EXPECT_EQ(fetch(std::string(300, 'n')), absent_);  // longer than a name may be
}

TEST_F(DirectoryStoreTest, FollowsNoLinkAndShowsNothingSpecial) {
  std::ofstream(outside_.path() / "secret") << "secret";
  ASSERT_EQ(put("a/file", "text"), 0);
  fs::create_directory_symlink(outside_.path(), directory_.path() / "link");
  fs::create_symlink(outside_.path() / "secret", directory_.path() / "a" / "link");
  fs::create_symlink("file", directory_.path() / "a" / "inside");
  ASSERT_EQ(::mkfifo((directory_.path() / "pipe").c_str(), 0600), 0);
  for (const std::string_view key : {"link/secret", "a/link", "a/inside", "pipe", "a"}) {
    EXPECT_EQ(fetch(key), absent_) << key;
  }
  EXPECT_EQ(keys_of(store_), std::vector<std::string>{"a/file"});
  EXPECT_EQ(put("link/new", "x"), ENOTDIR);
  EXPECT_FALSE(fs::exists(outside_.path() / "new"));
  EXPECT_EQ(put("a/link", "ours"), 0);  // replaces the link, not what it leads to
  EXPECT_EQ(fetch("a/link"), "ours");
  std::string secret;
  std::ifstream(outside_.path() / "secret") >> secret;
  EXPECT_EQ(secret, "secret");
}

TEST_F(DirectoryStoreTest, AFailedPutLeavesTheObjectAndNothingElse) {
  ASSERT_EQ(put("key", "old"), 0);
  ASSERT_EQ(put("a/below", "x"), 0);
  EXPECT_EQ(put("a", "file where a directory is"), EISDIR);
  EXPECT_EQ(put("key/below", "x"), ENOTDIR);
  EXPECT_EQ(fetch("key"), "old");
  EXPECT_EQ(keys_of(store_), (std::vector<std::string>{"a/below", "key"}));
  EXPECT_TRUE(fs::is_empty(directory_.path() / ".vfsprof-put"));
}

TEST_F(DirectoryStoreTest, ReadersFindTheOldOrTheNewObjectWhole) {
  constexpr std::size_t kBytes = 20'000;
  ASSERT_EQ(put("shared", std::string(kBytes, 'a')), 0);
  std::vector<std::jthread> threads;
  for (char letter = 'a'; letter < 'd'; ++letter) {
    threads.emplace_back([this, letter] {
      for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(put("shared", std::string(kBytes, letter)), 0);
        const std::string text = fetch("shared", 0, 2 * kBytes);
        EXPECT_EQ(text, std::string(kBytes, text.at(0)));
        EXPECT_EQ(keys_of(store_), std::vector<std::string>{"shared"});
      }
    });
  }
  threads.clear();
  EXPECT_TRUE(fs::is_empty(directory_.path() / ".vfsprof-put"));
}

TEST_F(DirectoryStoreTest, StepsOverWhatAKilledDaemonLeft) {
  fs::create_directory(directory_.path() / ".vfsprof-put");
  const std::string left = fmt::format("{}.0", ::getpid());
  std::ofstream(directory_.path() / ".vfsprof-put" / left) << "half written";
  EXPECT_EQ(put("key", "text"), 0);
  EXPECT_EQ(fetch("key"), "text");
  EXPECT_TRUE(fs::exists(directory_.path() / ".vfsprof-put" / left));
}

}  // namespace
}  // namespace vfsprof::vfs
