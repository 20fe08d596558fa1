#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "vfs/counters.h"
#include "vfs/durability/disk_cache.h"
#include "vfs/durability/record_text.h"
#include "vfs/tests/durable_fixture.h"
#include "vfs/tests/file_size_limit.h"

namespace vfsprof::vfs {
namespace {

constexpr InodeId kInode{42};

std::string refusal(const std::filesystem::path& directory) {
  try {
    const DiskCache cache(directory);
  } catch (const CacheDirectoryError& error) {
    return error.what();
  }
  return "";
}

TEST(DiskCache, SaysWhatIsWrongWithItsDirectory) {
  const TemporaryDirectory directory;
  const auto missing = directory.path() / "missing";
  EXPECT_NE(refusal(missing).find("missing' does not exist; create it"), std::string::npos)
      << refusal(missing);
  const auto file = directory.path() / "file";
  std::ofstream(file) << "x";
  EXPECT_NE(refusal(file).find("is not a directory"), std::string::npos) << refusal(file);
  const DiskCache cache(directory.path());
  EXPECT_NE(refusal(directory.path()).find("is in use by another daemon"), std::string::npos);
}

TEST(DiskCache, IsFreeAgainAfterItsEnd) {
  const TemporaryDirectory directory;
  {
    const DiskCache cache(directory.path());
  }
  EXPECT_EQ(refusal(directory.path()), "");
}

TEST(DiskCache, RefusesADirectoryThatTheUserMayNotWriteTo) {
  const TemporaryDirectory directory;
  ASSERT_EQ(::chmod(directory.path().c_str(), 0555), 0);
  const uid_t user = ::geteuid();
  ASSERT_TRUE(user != 0 || ::seteuid(65534) == 0);
  const std::string message = refusal(directory.path());
  ASSERT_EQ(::seteuid(user), 0);
  ASSERT_EQ(::chmod(directory.path().c_str(), 0755), 0);
  EXPECT_NE(message.find("is not writable: Permission denied"), std::string::npos) << message;
}

TEST(DiskCache, ReadsWhatWasWritten) {
  const TemporaryDirectory directory;
  DiskCache cache(directory.path());
  std::array<std::byte, 4> out{};
  EXPECT_EQ(error_of(cache.read(kInode, 0, out)), ENOENT);
  EXPECT_FALSE(cache.file_size(kInode).value());
  EXPECT_TRUE(cache.sync_file(kInode));
  ASSERT_TRUE(cache.write_file(kInode, bytes_of("hello"), Durability::kOnRequest));
  ASSERT_TRUE(cache.write_file(kInode, bytes_of("world!"), Durability::kOnRequest));
  EXPECT_EQ(cache.file_size(kInode).value(), 6U);
  EXPECT_EQ(cache.read(kInode, 3, out).value(), 3U);
  EXPECT_EQ(out[2], std::byte{'!'});
  EXPECT_EQ(cache.read(kInode, 100, out).value(), 0U);
  EXPECT_TRUE(cache.remove_file(kInode));
  EXPECT_TRUE(cache.remove_file(kInode));
  EXPECT_FALSE(cache.file_size(kInode).value());
  EXPECT_EQ(files_in(directory, "tmp"), 0U);
}

TEST(DiskCache, SyncsOnlyWhereAskedOrWhereADurableVersionIsReplaced) {
  const TemporaryDirectory directory;
  DiskCache cache(directory.path());
  const auto syncs_of = [](const auto& action) {
    const std::uint64_t before = total(Counter::kCacheSyncs);
    EXPECT_TRUE(action());
    return total(Counter::kCacheSyncs) - before;
  };
  const auto write = [&](Durability durability) {
    return cache.write_file(kInode, bytes_of("text"), durability);
  };
  const std::uint64_t flushes = total(Counter::kFlushes);
  const std::uint64_t bytes = total(Counter::kBytesFlushed);
  EXPECT_EQ(syncs_of([&] { return write(Durability::kOnRequest); }), 0U);
  EXPECT_EQ(syncs_of([&] { return write(Durability::kOnRequest); }), 0U);
  EXPECT_EQ(syncs_of([&] { return cache.sync_file(kInode); }), 2U);  // file and directory
  EXPECT_EQ(syncs_of([&] { return cache.sync_file(kInode); }), 0U);
  EXPECT_EQ(syncs_of([&] { return write(Durability::kOnRequest); }), 1U);  // before the rename
  EXPECT_EQ(syncs_of([&] { return write(Durability::kDurable); }), 2U);
  EXPECT_EQ(syncs_of([&] { return cache.sync_file(kInode); }), 0U);
  EXPECT_EQ(total(Counter::kFlushes) - flushes, 4U);
  EXPECT_EQ(total(Counter::kBytesFlushed) - bytes, 16U);
}

TEST(DiskCache, AFailedWriteLeavesTheOldContentAndNoTemporary) {
  const TemporaryDirectory directory;
  DiskCache cache(directory.path());
  ASSERT_TRUE(cache.write_file(kInode, bytes_of("old"), Durability::kDurable));
  {
    const FileSizeLimit limit(1000);
    EXPECT_EQ(
        error_of(cache.write_file(kInode, bytes_of(std::string(5000, 'x')), Durability::kDurable)),
        EFBIG);
  }
  EXPECT_EQ(read_cached(cache, kInode), "old");
  EXPECT_EQ(files_in(directory, "tmp"), 0U);
}

TEST(DiskCache, AFullDiskIsAnErrorAndNothingElse) {
  const TemporaryDirectory directory;
  if (::mount("tmpfs", directory.path().c_str(), "tmpfs", 0, "size=256k") != 0) {
    GTEST_SKIP() << "cannot mount a tmpfs (needs root): " << describe(Errno{errno});
  }
  {
    DiskCache cache(directory.path());
    EXPECT_EQ(cache.space()->capacity_bytes, 256U * 1024);
    ASSERT_TRUE(cache.write_file(kInode, bytes_of("old"), Durability::kDurable));
    EXPECT_EQ(error_of(cache.write_file(kInode, bytes_of(std::string(1 << 20, 'x')),
                                        Durability::kOnRequest)),
              ENOSPC);
    EXPECT_EQ(read_cached(cache, kInode), "old");
    EXPECT_EQ(files_in(directory, "tmp"), 0U);
    EXPECT_TRUE(cache.write_file(kInode, bytes_of("new"), Durability::kDurable));
  }
  EXPECT_EQ(::umount2(directory.path().c_str(), MNT_DETACH), 0);
}

TEST(DiskCache, ReadersSeeWholeVersionsWhileWritersRaceAndSyncsRun) {
  const TemporaryDirectory directory;
  DiskCache cache(directory.path());
  ASSERT_TRUE(cache.write_file(kInode, bytes_of(std::string(1000, 'a')), Durability::kOnRequest));
  std::atomic<int> writers = 3;
  {
    std::vector<std::jthread> threads;
    for (int writer = 0; writer < 3; ++writer) {
      threads.emplace_back([&, writer] {
        const std::string text(static_cast<std::size_t>(1000 * (writer + 1)),
                               static_cast<char>('a' + writer));
        for (int i = 0; i < 100; ++i) {
          const auto durability = i % 30 == 0 ? Durability::kDurable : Durability::kOnRequest;
          EXPECT_TRUE(cache.write_file(kInode, bytes_of(text), durability));
          EXPECT_TRUE(i % 40 != 0 || cache.sync_file(kInode));
        }
        --writers;
      });
    }
    threads.emplace_back([&] {
      std::array<std::byte, 4000> out{};
      while (writers > 0) {
        const auto size = cache.read(kInode, 0, out).value();
        EXPECT_EQ(size % 1000, 0U);
        EXPECT_EQ(static_cast<std::size_t>(out[size - 1]) - 'a' + 1, size / 1000);
        EXPECT_EQ(out[0], out[size - 1]);
      }
    });
  }
  EXPECT_EQ(files_in(directory, "data"), 1U);
  EXPECT_EQ(files_in(directory, "tmp"), 0U);
}

InodeRecord sample_record() {
  InodeRecord record;
  record.attributes.inode = kInode;
  record.attributes.mode = S_IFLNK | 0777;
  record.attributes.uid = 7;
  record.attributes.gid = 4294967294;
  record.attributes.device = 0x1234;
  record.attributes.modified = {-5, 999999999};
  record.name_sequence = ~std::uint64_t{0};
  record.names = {{kRootInode, "100% \xff\x01 \"name\"%41"}, {InodeId{9}, "\xc3\xa4"}};
  record.symlink_target = "../x y";
  record.store_key = "bucket/key";
  record.also = {{InodeId{5}, {{InodeId{6}, "other"}}}, {InodeId{7}, {}}};
  return record;
}

TEST(RecordText, ComesBackAsItWas) {
  const InodeRecord record = sample_record();
  const auto back = record_from_text(record_to_text(record));
  ASSERT_TRUE(back) << back.error();
  EXPECT_EQ(back->names, record.names);
  EXPECT_EQ(back->also, record.also);
  EXPECT_EQ(back->symlink_target, record.symlink_target);
  EXPECT_EQ(back->store_key, record.store_key);
  EXPECT_EQ(back->name_sequence, record.name_sequence);
  EXPECT_EQ(back->attributes.gid, record.attributes.gid);
  EXPECT_EQ(back->attributes.device, record.attributes.device);
  EXPECT_EQ(back->attributes.modified.tv_sec, -5);
  EXPECT_EQ(record_to_text(*back), record_to_text(record));
}

TEST(RecordText, DamageIsFoundWhereverItIs) {
  const std::string text = record_to_text(sample_record());
  for (std::size_t size = 0; size + 2 < text.size(); ++size) {
    EXPECT_FALSE(record_from_text(text.substr(0, size))) << "cut at " << size;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (const char mask : {'\x01', '\x10', '\x80'}) {
      std::string damaged = text;
      damaged[i] = static_cast<char>(damaged[i] ^ mask);
      const auto record = record_from_text(damaged);
      // White space between the parts may change and mean the same.
      EXPECT_TRUE(!record || record_to_text(*record) == text) << "at " << i;
    }
  }
  EXPECT_FALSE(record_from_text("[1]"));
  EXPECT_FALSE(record_from_text(R"({"version": 2, "checksum": "", "record": {}})"));
}

}  // namespace
}  // namespace vfsprof::vfs
