#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "vfs/tests/engine_fixture.h"

namespace vfsprof::vfs {
namespace {

using File = EngineUnderTest::File;

constexpr int kThreads = 8;

void on_threads(int threads, const std::function<void(int)>& work) {
  std::vector<std::thread> running;
  for (int t = 0; t < threads; ++t) running.emplace_back(work, t);
  for (std::thread& thread : running) thread.join();
}

/// Runs `work` on many threads, and `disturb` again and again on another until they are done.
void on_threads_while(const std::function<void(int)>& work, const std::function<void()>& disturb) {
  std::atomic<bool> done{false};
  std::thread other([&] {
    while (!done.load()) disturb();
  });
  on_threads(kThreads, work);
  done.store(true);
  other.join();
}

TEST_P(EveryEngine, WhoFindsANewFileCanOpenIt) {
  constexpr int kFiles = 3000;
  EngineUnderTest fs(GetParam());
  Engine& engine = fs.engine();
  std::thread maker([&] {
    for (int i = 0; i < kFiles; ++i) {
      const std::string name = std::to_string(i);
      ASSERT_TRUE(engine.create_node({kRootInode, name}, {.mode = S_IFREG | 0644}, {}));
    }
  });
  int failed = 0;
  for (int i = 0; i < kFiles; ++i) {
    const std::string name = std::to_string(i);
    Result<Attributes> found = engine.lookup({kRootInode, name});
    while (!found) found = engine.lookup({kRootInode, name});
    const auto handle = engine.open(found->inode, O_RDWR);
    failed += handle ? 0 : 1;
    if (handle) {
      EXPECT_TRUE(engine.release(found->inode, *handle));
    }
  }
  maker.join();
  EXPECT_EQ(failed, 0);
}

TEST_P(EveryEngine, ANodeWithoutATypeIsARegularFile) {
  EngineUnderTest fs(GetParam());
  ASSERT_TRUE(fs.engine().create_node({kRootInode, "a"}, {.mode = 0644}, {}));
  EXPECT_EQ(fs.write(fs.open("a"), 0, filled(10, 1)), 0);
}

TEST_P(EveryEngine, LosesNoWriteWhileFilesAreWrittenBackAndEvicted) {
  constexpr int kRounds = 60;
  EngineUnderTest fs(GetParam(), 12 * kTestChunk);  // far below the 8 * 8 chunks in use
  std::vector<File> files;
  for (int t = 0; t < kThreads; ++t) files.push_back(fs.create(std::to_string(t)));
  const auto work = [&](int t) {
    const File file = files[static_cast<std::size_t>(t)];
    for (int round = 1; round <= kRounds; ++round) {
      const std::uint64_t chunk = static_cast<std::uint64_t>(round % 8);
      const auto value = static_cast<std::uint8_t>(round + t);
      ASSERT_EQ(fs.write(file, chunk * kTestChunk + 5, filled(kTestChunk - 10, value)), 0);
      ASSERT_EQ(fs.read(file, chunk * kTestChunk + 5, kTestChunk - 10),
                filled(kTestChunk - 10, value));
      if (round % 16 == 0) {
        ASSERT_EQ(fs.flush(file), 0);
      }
    }
  };
  std::size_t next = 0;
  on_threads_while(work, [&] { EXPECT_EQ(fs.flush(files[next++ % files.size()]), 0); });
  for (int t = 0; t < kThreads; ++t) {
    for (int chunk = 0; chunk < 8; ++chunk) {
      int last = kRounds;
      while (last % 8 != chunk) --last;
      const auto value = static_cast<std::uint8_t>(last + t);
      const std::uint64_t offset = static_cast<std::uint64_t>(chunk) * kTestChunk + 5;
      EXPECT_EQ(fs.read(files[static_cast<std::size_t>(t)], offset, kTestChunk - 10),
                filled(kTestChunk - 10, value));
    }
  }
}

TEST_P(EveryEngine, WritersOfOneFileDoNotTearAChunk) {
  EngineUnderTest fs(GetParam(), 8 * kTestChunk);
  const File file = fs.create("shared");
  ASSERT_EQ(fs.write(file, 0, filled(kTestChunk, 0)), 0);
  const auto work = [&](int t) {
    for (int round = 0; round < 100; ++round) {
      ASSERT_EQ(fs.write(file, 0, filled(kTestChunk, static_cast<std::uint8_t>(t))), 0);
      const Bytes seen = fs.read(file, 0, kTestChunk);
      ASSERT_EQ(seen, Bytes(kTestChunk, seen.front()));
    }
  };
  on_threads_while(work, [&] { EXPECT_EQ(fs.sync(file), 0); });
}

TEST_P(EveryEngine, AppendersOfOneFileAllArrive) {
  constexpr std::uint64_t kRecords = 100;
  constexpr std::uint64_t kRecordBytes = 100;
  EngineUnderTest fs(GetParam(), 8 * kTestChunk);
  const File file = fs.create("log");
  std::atomic<std::uint64_t> next{0};
  const auto work = [&](int t) {
    for (std::uint64_t i = 0; i < kRecords; ++i) {
      const std::uint64_t record = next.fetch_add(1);
      const auto value = static_cast<std::uint8_t>(t + 1);
      ASSERT_EQ(fs.write(file, record * kRecordBytes, filled(kRecordBytes, value)), 0);
    }
  };
  on_threads_while(work, [&] { EXPECT_EQ(fs.flush(file), 0); });
  fs.restart();
  const Bytes content = fs.content(fs.open("log"));
  ASSERT_EQ(content.size(), kThreads * kRecords * kRecordBytes);
  std::vector<std::uint64_t> records_of(kThreads + 1);
  for (std::uint64_t i = 0; i < kThreads * kRecords; ++i) {
    const auto record = std::span(content).subspan(i * kRecordBytes, kRecordBytes);
    ASSERT_EQ(std::ranges::count(record, record.front()),
              static_cast<std::ptrdiff_t>(kRecordBytes));
    ++records_of[std::to_integer<std::size_t>(record.front())];
  }
  EXPECT_EQ(records_of[0], 0U) << "a record was lost";
  for (int t = 1; t <= kThreads; ++t) EXPECT_EQ(records_of[static_cast<std::size_t>(t)], kRecords);
}

TEST_P(EveryEngine, CuttingAmongWritersLeavesNoStaleBytes) {
  EngineUnderTest fs(GetParam(), 8 * kTestChunk);
  const File file = fs.create("a");
  const auto work = [&](int t) {
    for (int round = 0; round < 60; ++round) {
      const std::uint64_t offset = static_cast<std::uint64_t>(t) * kTestChunk;
      ASSERT_EQ(fs.write(file, offset, filled(kTestChunk, static_cast<std::uint8_t>(t + 1))), 0);
    }
  };
  on_threads_while(work, [&] { EXPECT_EQ(fs.resize(file, 100), 0); });
  EXPECT_EQ(fs.resize(file, 100), 0);
  EXPECT_EQ(fs.resize(file, kThreads * kTestChunk), 0);
  Bytes expected = filled(kThreads * kTestChunk, 0);
  const Bytes content = fs.content(file);
  ASSERT_EQ(content.size(), expected.size());
  // Only thread 0 writes the first chunk; the bytes there are its own or were cut.
  EXPECT_TRUE(std::ranges::all_of(std::span(content).first(100), [](std::byte byte) {
    return byte == std::byte{1} || byte == std::byte{0};
  }));
  EXPECT_EQ(Bytes(content.begin() + 100, content.end()),
            Bytes(expected.begin() + 100, expected.end()));
}

TEST_P(EveryEngine, FilesComeAndGoOnManyThreads) {
  EngineUnderTest fs(GetParam(), 8 * kTestChunk);
  fs.engine();
  on_threads(kThreads, [&](int t) {
    for (int round = 0; round < 30; ++round) {
      const std::string name = std::to_string(t);
      const File file = fs.create(name);
      const Bytes content = filled(2 * kTestChunk, static_cast<std::uint8_t>(t * 30 + round));
      ASSERT_EQ(fs.write(file, 0, content), 0);
      if (round % 3 == 0) {
        ASSERT_EQ(fs.flush(file), 0);
      }
      ASSERT_TRUE(fs.engine().unlink({kRootInode, name}));
      ASSERT_EQ(fs.content(file), content);
      fs.close(file);
    }
  });
  EXPECT_EQ(fs.engine().usage().inodes, 1U) << "only the root is left";
}

}  // namespace
}  // namespace vfsprof::vfs
