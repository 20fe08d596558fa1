#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <thread>

#include "vfs/namespace/namespace.h"
#include "vfs/store/import.h"
#include "vfs/store/memory_store.h"
#include "vfs/tests/error_of.h"

namespace vfsprof::vfs {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string fetch(ObjectStore& store, std::string_view key, std::uint64_t offset,
                  std::size_t size) {
  std::string text(size, '\0');
  const auto got = store.fetch(key, offset, std::as_writable_bytes(std::span(text)));
  return got ? text.substr(0, *got) : "error " + std::to_string(got.error().value);
}

TEST(ObjectStore, OnlyKnownStoresOpenAndTheErrorNamesThem) {
  EXPECT_NE(open_store("memory"), nullptr);
  try {
    open_store("s3://bucket");
    FAIL() << "opened";
  } catch (const StoreError& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("'s3://bucket'"), std::string::npos) << message;
    EXPECT_NE(message.find("allowed: memory"), std::string::npos) << message;
  }
}

TEST(MemoryStore, FetchesRangesOfWhatWasPut) {
  MemoryStore store;
  EXPECT_EQ(fetch(store, "key", 0, 1), "error " + std::to_string(ENOENT));
  ASSERT_TRUE(store.put("key", bytes_of("hello world")));
  EXPECT_EQ(fetch(store, "key", 0, 5), "hello");
  EXPECT_EQ(fetch(store, "key", 6, 100), "world");
  EXPECT_EQ(fetch(store, "key", 11, 1), "");
  EXPECT_EQ(fetch(store, "key", 1000, 1), "");
  ASSERT_TRUE(store.put("key", bytes_of("short")));
  EXPECT_EQ(fetch(store, "key", 0, 100), "short");
  EXPECT_EQ(error_of(store.put("", bytes_of("x"))), EINVAL);
}

TEST(MemoryStore, ListsInPagesByKey) {
  MemoryStore store(2);
  for (const std::string_view key : {"b", "a/2", "c", "a/1", "a"}) {
    ASSERT_TRUE(store.put(key, bytes_of(key)));
  }
  std::vector<std::string> keys;
  int pages = 0;
  std::string after;
  do {
    const auto page = store.list(after);
    ASSERT_TRUE(page);
    EXPECT_LE(page->objects.size(), 2U);
    for (const StoredObject& object : page->objects) {
      keys.push_back(object.key);
      EXPECT_EQ(object.size, object.key.size());
    }
    after = page->next;
    ++pages;
  } while (!after.empty());
  EXPECT_EQ(keys, (std::vector<std::string>{"a", "a/1", "a/2", "b", "c"}));
  EXPECT_EQ(pages, 3);
}

TEST(MemoryStore, IsSafeFromManyThreads) {
  MemoryStore store;
  std::vector<std::jthread> threads;
  for (char letter = 'a'; letter < 'e'; ++letter) {
    threads.emplace_back([&store, letter] {
      for (std::size_t i = 1; i < 200; ++i) {
        EXPECT_TRUE(store.put("shared", bytes_of(std::string(i, letter))));
        const std::string text = fetch(store, "shared", 0, 300);
        EXPECT_EQ(std::ranges::count(text, text.at(0)), static_cast<std::ptrdiff_t>(text.size()));
        EXPECT_TRUE(store.list(""));
      }
    });
  }
}

TEST(Import, KeysBecomePathsAndWhatCannotBeOneIsReported) {
  MemoryStore store(2);
  for (const std::string_view key :
       {"top", "a/b/deep", "a/b/other", "top/under a file", "x//y", "../out", "ends/"}) {
    ASSERT_TRUE(store.put(key, bytes_of("12345")));
  }
  Namespace names({5, 6}, [](InodeId) {});
  const auto report = import_objects(store, names);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->objects.size(), 3U);
  EXPECT_EQ(report->faults.size(), 4U);
  const auto a = names.lookup({kRootInode, "a"});
  ASSERT_TRUE(a);
  const auto b = names.lookup({a->inode, "b"});
  ASSERT_TRUE(b);
  const auto deep = names.lookup({b->inode, "deep"});
  ASSERT_TRUE(deep);
  EXPECT_EQ(deep->uid, 5U);
  EXPECT_EQ(deep->links, 1U);
  EXPECT_EQ(names.store_key(deep->inode), "a/b/deep");
  EXPECT_EQ(names.store_key(b->inode), "");
  // A second import finds what is there already.
  EXPECT_EQ(import_objects(store, names)->objects.size(), 3U);
  EXPECT_EQ(names.inode_count(), 6U);
}

}  // namespace
}  // namespace vfsprof::vfs
