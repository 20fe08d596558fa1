#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <thread>

#include "vfs/namespace/namespace.h"
#include "vfs/store/import.h"
#include "vfs/store/memory_store.h"
#include "vfs/store/store_spec.h"
#include "vfs/store/unreliable_store.h"
#include "vfs/tests/error_of.h"
#include "vfs/tests/temporary_directory.h"

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

TEST(ObjectStore, OpensWhatIsNamed) {
  const TemporaryDirectory directory;
  EXPECT_NE(open_store("memory"), nullptr);
  EXPECT_NE(open_store("dir:" + directory.path().string()), nullptr);
  const auto store = open_store("memory,latency=1us,objects=3x20,fail=fetch:2");
  EXPECT_EQ(store->list("")->objects.size(), 3U);
  EXPECT_EQ(fetch(*store, "object-000001", 0, 100), "object-000001\nobject");
  EXPECT_EQ(fetch(*store, "object-000001", 0, 1), "error " + std::to_string(EIO));
  EXPECT_EQ(fetch(*store, "object-000002", 12, 3), "2\no");
}

TEST(ObjectStore, ErrorsNameThePartAtFaultAndWhatIsAllowed) {
  const TemporaryDirectory directory;
  const std::string here = directory.path().string();
  std::ofstream(directory.path() / "file") << "text";
  struct Case {
    std::string text;
    std::vector<std::string> said;
  };
  const std::vector<Case> cases{
      {"", {"''", "allowed: memory"}},
      {"s3://bucket", {"'s3'", "allowed: memory", "dir:PATH"}},
      {"memory:here", {"'here'", "memory alone"}},
      {"dir", {"dir:PATH"}},
      {"dir:" + here + "/absent", {here + "/absent", "does not exist", "mkdir -p"}},
      {"dir:" + here + "/file", {"file", "not a directory"}},
      {"dir:" + here + ",objects=1x1k", {"objects=", "memory"}},
      {"memory,speed=5", {"'speed=5'", "objects=", "latency=", "fail="}},
      {"memory,", {"''", "allowed"}},
      {"memory,latency", {"'latency'", "allowed"}},
      {"memory,latency=5", {"'5'", "latency", "5ms"}},
      {"memory,latency=-5ms", {"'-5ms'", "latency"}},
      {"memory,latency=2h", {"'2h'", "latency"}},
      {"memory,latency=3601s", {"'3601s'", "3600s"}},
      {"memory,objects=16", {"'16'", "COUNTxSIZE"}},
      {"memory,objects=16x1t", {"'16x1t'", "COUNTxSIZE"}},
      {"memory,objects=16x99999999999999999999", {"COUNTxSIZE"}},
      {"memory,objects=1000000x1g", {"1024g in all"}},
      {"memory,fail=0.01", {"'0.01'", "CALL:N", "fetch"}},
      {"memory,fail=fetch:0", {"'fetch:0'", "at least 1"}},
      {"memory,fail=delete:1", {"'delete:1'", "list, fetch, put"}},
      {"memory,fail=fetch:3x", {"'fetch:3x'"}},
  };
  for (const Case& each : cases) {
    try {
      open_store(each.text);
      ADD_FAILURE() << "opened '" << each.text << "'";
    } catch (const StoreError& error) {
      for (const std::string& word : each.said) {
        EXPECT_THAT(error.what(), testing::HasSubstr(word)) << each.text;
      }
    }
  }
}

TEST(StoreSpec, TakesTheTextApart) {
  const StoreSpec spec = parse_store_spec("dir:/a:b,latency=20ms,fail=fetch:3,fail=put:1");
  EXPECT_EQ(spec.kind, "dir");
  EXPECT_EQ(spec.place, "/a:b");
  EXPECT_EQ(spec.disturbance.latency, std::chrono::milliseconds(20));
  EXPECT_EQ(spec.disturbance.fail_every, (std::array<std::uint64_t, 3>{0, 3, 1}));
  EXPECT_EQ(parse_store_spec("memory,objects=16x1m").objects,
            (PreloadedObjects{.count = 16, .size = 1 << 20}));
}

TEST(UnreliableStore, FailsEachNthCallOfItsKindAndTakesItsTime) {
  auto objects = std::make_unique<MemoryStore>();
  ASSERT_TRUE(objects->put("key", bytes_of("text")));
  const auto latency = std::chrono::milliseconds(2);
  UnreliableStore store(std::move(objects), {.latency = latency, .fail_every = {2, 3, 1}});
  const auto start = std::chrono::steady_clock::now();
  std::string fetched;
  for (int i = 0; i < 7; ++i) fetched += fetch(store, "key", 0, 4) == "text" ? '.' : 'E';
  EXPECT_EQ(fetched, "..E..E.");
  EXPECT_TRUE(store.list(""));
  EXPECT_EQ(store.list("").error(), Errno{EIO});
  EXPECT_EQ(error_of(store.put("new", bytes_of("x"))), EIO);
  EXPECT_GE(std::chrono::steady_clock::now() - start, 10 * latency);
  EXPECT_EQ(store.list("")->objects.size(), 1U);  // what failed did nothing
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
