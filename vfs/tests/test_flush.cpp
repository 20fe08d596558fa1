#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <thread>

#include "vfs/counters.h"
#include "vfs/flush/file_ranges.h"
#include "vfs/tests/file_size_limit.h"
#include "vfs/tests/flush_fixture.h"

namespace vfsprof::vfs {
namespace {

constexpr std::size_t kMany = 20 << 20;  // bytes: several pieces of every strategy

template <class Action>
std::uint64_t gained(Counter counter, const Action& action) {
  const std::uint64_t before = total(counter);
  action();
  return total(counter) - before;
}

struct stat status_of(const std::filesystem::path& path) {
  struct stat status{};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status;
}

TEST_P(FlushTest, WritesFilesOfEverySize) {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{4095}, std::size_t{4096}, kFlushChunk + 1,
        3 * kFlushChunk, kMany, kMany + 4097}) {
    const std::string content = pattern(size, 2);
    TestImage image = TestImage::fresh(content);
    ASSERT_EQ(write_back(image), 0) << size;
    ASSERT_TRUE(cached() == content) << size;
    image.in_place_bytes = {};
    image.content = pattern(size, 3);
    ASSERT_EQ(write_back(image), 0) << size;
    ASSERT_TRUE(cached() == image.content) << size;
  }
  EXPECT_EQ(files_in(directory_, "tmp"), 0U);
}

TEST_P(FlushTest, WritesOnlyDirtyChunksWhereItChangesAFileInPlace) {
  TestImage image = saved(pattern(10 * kFlushChunk + 100));
  const ino_t file = status_of(data_path()).st_ino;
  // In no order, and one that was cut off since.
  image.dirty = {{10}, {2}, {7}, {3}, {4000}};
  for (const std::uint64_t chunk : {2U, 3U, 7U, 10U}) {
    image.content.replace(chunk * kFlushChunk, 100, std::string(100, 'x'));
  }
  const auto bytes = gained(Counter::kBytesFlushed, [&] { EXPECT_EQ(write_back(image), 0); });
  EXPECT_EQ(bytes, in_place() ? 3 * kFlushChunk + 100 : image.content.size());
  EXPECT_TRUE(cached() == image.content);
  EXPECT_EQ(status_of(data_path()).st_ino == file, in_place());
}

TEST_P(FlushTest, HolesReadAsZeros) {
  TestImage image = TestImage::fresh(std::string(100 * kFlushChunk + 17, '\0'));
  image.dirty = {{90}, {0}};
  image.content.replace(5, 3, "abc");
  image.content.replace(90 * kFlushChunk, 3, "def");
  EXPECT_EQ(write_back(image), 0);
  EXPECT_TRUE(cached() == image.content);
  if (in_place()) {
    EXPECT_LT(status_of(data_path()).st_blocks * 512, static_cast<blkcnt_t>(50 * kFlushChunk));
  }
}

TEST_P(FlushTest, WhatWasCutOffReadsAsZeros) {
  TestImage image = saved(pattern(4 * kFlushChunk));
  std::fill(image.content.begin() + 5000, image.content.end(), '\0');
  image.content.resize(5 * kFlushChunk + 1);
  image.in_place_bytes = 5000;
  EXPECT_EQ(write_back(image), 0);
  EXPECT_TRUE(cached() == image.content);
  image.content.resize(100);
  image.in_place_bytes = 100;
  EXPECT_EQ(write_back(image), 0);
  EXPECT_EQ(cached(), image.content);
}

TEST_P(FlushTest, AFileThatCannotBeChangedInPlaceIsReplacedWhole) {
  TestImage image = saved(pattern(4 * kFlushChunk));
  const ino_t file = status_of(data_path()).st_ino;
  image.content = pattern(3 * kFlushChunk + 5, 4);
  image.dirty = {{1}};
  image.in_place_bytes = {};
  EXPECT_EQ(write_back(image), 0);
  EXPECT_TRUE(cached() == image.content);
  EXPECT_NE(status_of(data_path()).st_ino, file);
  image.unreadable_from = 2 * kFlushChunk;
  const std::string old = std::exchange(image.content, pattern(5 * kFlushChunk, 5));
  EXPECT_EQ(write_back(image), EIO);
  EXPECT_TRUE(cached() == old);
  EXPECT_EQ(files_in(directory_, "tmp"), 0U);
}

TEST_P(FlushTest, AFailureLeavesWhatIsPromisedAndIsMendedByTheNextWriteBack) {
  TestImage image = saved(pattern(8 * kFlushChunk), Durability::kDurable);
  const std::string old = image.content;
  image.content = pattern(12 * kFlushChunk, 6);
  image.content.replace(0, 2 * kFlushChunk, old, 0, 2 * kFlushChunk);
  image.all_dirty();
  image.dirty.erase(image.dirty.begin(), image.dirty.begin() + 2);
  for (const Durability durability : {Durability::kOnRequest, Durability::kDurable}) {
    const FileSizeLimit limit(10 * kFlushChunk);
    EXPECT_EQ(write_back(image, durability), EFBIG);
    const std::string left = cached();
    EXPECT_TRUE(in_place() || left == old);
    EXPECT_EQ(left.substr(0, 2 * kFlushChunk), old.substr(0, 2 * kFlushChunk)) << "was clean";
    ASSERT_GE(left.size(), old.size());
    ASSERT_LE(left.size(), 10 * kFlushChunk);
    for (std::size_t at = 0; at < left.size(); ++at) {
      ASSERT_TRUE(left[at] == image.content[at] || (at < old.size() && left[at] == old[at])) << at;
    }
  }
  EXPECT_EQ(write_back(image, Durability::kDurable), 0);
  EXPECT_TRUE(cached() == image.content);
  EXPECT_EQ(files_in(directory_, "tmp"), 0U);
}

TEST_P(FlushTest, AFullDiskIsAnErrorAndOtherFilesAreLeftAlone) {
  const TemporaryDirectory directory;
  if (::mount("tmpfs", directory.path().c_str(), "tmpfs", 0, "size=512k") != 0) {
    GTEST_SKIP() << "cannot mount a tmpfs (needs root): " << describe(Errno{errno});
  }
  {
    DiskCache cache(directory.path());
    const TestImage other = TestImage::fresh(pattern(5 * kFlushChunk), InodeId{7});
    EXPECT_EQ(write_back(other, cache, Durability::kDurable), 0);
    TestImage large = TestImage::fresh(pattern(kMany));
    EXPECT_EQ(write_back(large, cache), ENOSPC);
    EXPECT_TRUE(read_cached(cache, other.inode) == other.content);
    large.content.resize(kFlushChunk);
    EXPECT_EQ(write_back(large, cache, Durability::kDurable), 0);
    EXPECT_TRUE(read_cached(cache, large.inode) == large.content);
  }
  EXPECT_EQ(::umount2(directory.path().c_str(), MNT_DETACH), 0);
}

TEST_P(FlushTest, SyncsWhereAskedAndNoMore) {
  const auto syncs_of = [](const auto& action) {
    return gained(Counter::kCacheSyncs, [&] { EXPECT_TRUE(action()); });
  };
  TestImage image = TestImage::fresh(pattern(3 * kFlushChunk + 1));
  const auto write = [&](Durability durability) {
    const bool done = write_back(image, durability) == 0;
    image.in_place_bytes = image.content.size();
    image.dirty = {{1}};
    return done;
  };
  const auto sync = [&] { return cache_.sync_file(image.inode).has_value(); };
  EXPECT_EQ(syncs_of([&] { return write(Durability::kOnRequest); }), 0U);
  EXPECT_EQ(syncs_of(sync), 2U);  // the file and the folder
  EXPECT_EQ(syncs_of(sync), 0U);
  EXPECT_EQ(syncs_of([&] { return write(Durability::kDurable); }), in_place() ? 1U : 2U);
  EXPECT_EQ(syncs_of(sync), 0U);
  EXPECT_EQ(syncs_of([&] { return write(Durability::kOnRequest); }), in_place() ? 0U : 1U);
  EXPECT_EQ(syncs_of(sync), in_place() ? 1U : 2U) << "newer than what is on the disk";
  image.in_place_bytes = {};
  EXPECT_EQ(syncs_of([&] { return write(Durability::kOnRequest); }), 1U) << "before the rename";
  EXPECT_EQ(syncs_of([&] { return write(Durability::kDurable); }), 2U);
  EXPECT_EQ(syncs_of([&] { return cache_.sync_all().has_value(); }), 1U);
  EXPECT_EQ(syncs_of(sync), 0U);
  EXPECT_EQ(gained(Counter::kFlushes, [&] { write(Durability::kDurable); }), 1U);
}

TEST_P(FlushTest, AFailedWriteBackOfADurableFileIsNotTakenForSynced) {
  TestImage image = saved(pattern(4 * kFlushChunk), Durability::kDurable);
  image.content = pattern(4 * kFlushChunk, 9);
  image.all_dirty();
  image.unreadable_from = 3 * kFlushChunk;
  EXPECT_EQ(write_back(image), EIO);
  const auto syncs =
      gained(Counter::kCacheSyncs, [&] { EXPECT_TRUE(cache_.sync_file(image.inode)); });
  EXPECT_EQ(syncs, in_place() ? 1U : 0U);
}

TEST_P(FlushTest, WhatWasWrittenIsFoundByTheNextDaemon) {
  const TemporaryDirectory directory;
  TestImage image = TestImage::fresh(pattern(5 * kFlushChunk + 3));
  {
    DiskCache cache(directory.path());
    EXPECT_EQ(write_back(image, cache), 0);
  }
  DiskCache cache(directory.path());
  const auto found = cache.load();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->files, std::vector{image.inode});
  EXPECT_TRUE(found->faults.empty());
  image.in_place_bytes = image.content.size();
  image.content.replace(4 * kFlushChunk, 3, "new");
  image.dirty = {{4}};
  EXPECT_EQ(write_back(image, cache), 0);
  EXPECT_TRUE(read_cached(cache, image.inode) == image.content);
}

TEST_P(FlushTest, ManyFilesAtATimeDoNotGetMixed) {
  constexpr unsigned kThreads = 4;
  std::vector<std::string> contents(kThreads);
  {
    std::vector<std::jthread> threads;
    for (unsigned thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        TestImage image = TestImage::fresh("", InodeId{100 + thread});
        for (unsigned round = 0; round < 5; ++round) {
          image.content = pattern((1U << 20U) * (1 + thread) + round, thread * 10 + round);
          image.all_dirty();
          EXPECT_EQ(write_back(image), 0);
          image.in_place_bytes = image.content.size();
        }
        contents[thread] = image.content;
      });
    }
  }
  for (unsigned thread = 0; thread < kThreads; ++thread) {
    EXPECT_TRUE(cached(InodeId{100 + thread}) == contents[thread]) << thread;
  }
}

TEST_P(FlushTest, JoinsNeighboursIntoOneWriteWhereItWorksInBatches) {
  // write(2) and its kin; io_uring's writes are none.
  static const std::map<std::string_view, std::uint64_t> kWriteCalls = {
      {"batched", 2}, {"per_chunk", 24}, {"whole_file", 1}, {"uring", 0}};
  const auto expected = kWriteCalls.find(GetParam());
  ASSERT_NE(expected, kWriteCalls.end()) << "say here how often the new strategy writes";
  const auto write_calls = [] {
    std::ifstream io("/proc/self/io");
    std::uint64_t value = 0;
    for (std::string name; io >> name >> value;) {
      if (name == "syscw:") return value;
    }
    return std::uint64_t{0};
  };
  TestImage image = saved(pattern(40 * kFlushChunk));
  if (write_calls() == 0)
    GTEST_SKIP() << "the kernel does not count I/O (CONFIG_TASK_IO_ACCOUNTING)";
  for (std::uint32_t chunk = 0; chunk < 16; ++chunk) image.dirty.push_back({chunk});
  for (std::uint32_t chunk = 20; chunk < 28; ++chunk) image.dirty.push_back({chunk});
  const std::uint64_t before = write_calls();
  EXPECT_EQ(write_back(image), 0);
  EXPECT_EQ(write_calls() - before, expected->second);
}

/// How many bytes of a file are in the page cache.
std::size_t resident_bytes(const std::filesystem::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const auto size = static_cast<std::size_t>(status_of(path).st_size);
  void* const memory = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
  if (memory == MAP_FAILED) return size;
  std::vector<unsigned char> pages((size + 4095) / 4096);
  EXPECT_EQ(::mincore(memory, size, pages.data()), 0);
  ::munmap(memory, size);
  return 4096 * static_cast<std::size_t>(std::ranges::count_if(
                    pages, [](unsigned char page) { return (page & 1U) != 0; }));
}

TEST_P(FlushTest, DirectWritesLeaveNothingInThePageCache) {
  const auto fallbacks = gained(Counter::kDirectIoFallbacks, [&] { saved(pattern(kMany + 1)); });
  if (fallbacks > 0) GTEST_SKIP() << "no direct I/O in " << directory_.path();
  if (writes_direct()) {
    EXPECT_LE(resident_bytes(data_path()), 4096U) << "the end that fills no block";
  } else {
    EXPECT_GE(resident_bytes(data_path()), kMany / 2);
  }
}

TEST_P(FlushTest, SaysOnceWhereDirectWritesAreRefused) {
  const std::uint64_t expected = writes_direct() ? 1 : 0;  // for each file
  const TemporaryDirectory directory;
  if (::mount("ramfs", directory.path().c_str(), "ramfs", 0, nullptr) != 0) {
    GTEST_SKIP() << "cannot mount a ramfs, which has no direct I/O (needs root): "
                 << describe(Errno{errno});
  }
  {
    DiskCache cache(directory.path(), [&](const std::string& fault) { faults_.push_back(fault); });
    TestImage image = TestImage::fresh(pattern(kMany + 5));
    for (const std::uint64_t files : {1U, 2U}) {
      const auto counted =
          gained(Counter::kDirectIoFallbacks, [&] { EXPECT_EQ(write_back(image, cache), 0); });
      EXPECT_EQ(counted, expected) << files;
      EXPECT_TRUE(read_cached(cache, image.inode) == image.content);
    }
    EXPECT_EQ(faults_.size(), expected) << "once, not for each file";
    for (const std::string& fault : faults_) {
      EXPECT_NE(fault.find("takes no direct I/O (Invalid argument)"), fault.npos) << fault;
      EXPECT_NE(fault.find(directory.path().string()), fault.npos) << fault;
    }
  }
  EXPECT_EQ(::umount2(directory.path().c_str(), MNT_DETACH), 0);
}

constexpr auto kFlushNames = names_of(FlushList{});
INSTANTIATE_TEST_SUITE_P(Flush, FlushTest, testing::ValuesIn(kFlushNames),
                         [](const auto& value) { return std::string(value.param); });

TEST(FlushStrategies, BatchesAreWrittenBehindTheWriter) {
  EXPECT_EQ(Batched().write_behind()->chunks, 100U);
  EXPECT_EQ(Batched().write_behind()->bytes, 100'000'000U);
  EXPECT_FALSE(WholeFile().write_behind());
  EXPECT_FALSE(PerChunk().write_behind());
}

}  // namespace
}  // namespace vfsprof::vfs
