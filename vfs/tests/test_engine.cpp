#include <gtest/gtest.h>

#include <cerrno>
#include <limits>
#include <string>
#include <tuple>

#include "vfs/tests/engine_fixture.h"

namespace vfsprof::vfs {
namespace {

using File = EngineUnderTest::File;

TEST_P(EveryEngine, ReadsBackWhatSpansChunks) {
  EngineUnderTest fs(GetParam());
  const File file = fs.create("a");
  Bytes pattern(3 * kTestChunk + 100);
  for (std::size_t i = 0; i < pattern.size(); ++i) pattern[i] = static_cast<std::byte>(i * 7);
  EXPECT_EQ(fs.write(file, 1000, pattern), 0);
  EXPECT_EQ(fs.size(file), pattern.size() + 1000);
  EXPECT_EQ(fs.read(file, 1000, pattern.size()), pattern);
  EXPECT_EQ(fs.read(file, 0, 1000), filled(1000, 0));
  EXPECT_EQ(fs.read(file, fs.size(file), 10), Bytes{});
  EXPECT_EQ(fs.read(file, fs.size(file) - 4, 10).size(), 4U);
}

TEST_P(EveryEngine, HolesReadAsZeros) {
  EngineUnderTest fs(GetParam());
  const File file = fs.create("sparse");
  EXPECT_EQ(fs.write(file, 5 * kTestChunk + 7, bytes_of("end")), 0);
  Bytes expected = filled(5 * kTestChunk + 10, 0);
  std::ranges::copy(bytes_of("end"), expected.end() - 3);
  EXPECT_EQ(fs.content(file), expected);
  EXPECT_EQ(fs.flush(file), 0);
  EXPECT_EQ(fs.content(file), expected);
  fs.restart();
  EXPECT_EQ(fs.content(fs.open("sparse")), expected);
}

TEST_P(EveryEngine, ShrinkingThenExtendingReadsZeros) {
  for (const bool written_back : {false, true}) {
    for (const std::uint64_t kept :
         {std::uint64_t{0}, std::uint64_t{100}, kTestChunk, kTestChunk + 1}) {
      EngineUnderTest fs(GetParam());
      const File file = fs.create("a");
      const Bytes before = filled(3 * kTestChunk, 0x55);
      EXPECT_EQ(fs.write(file, 0, before), 0);
      if (written_back) {
        EXPECT_EQ(fs.flush(file), 0);
      }
      EXPECT_EQ(fs.resize(file, kept), 0);
      EXPECT_EQ(fs.size(file), kept);
      EXPECT_EQ(fs.resize(file, before.size()), 0);
      Bytes expected = filled(before.size(), 0);
      std::fill_n(expected.begin(), kept, std::byte{0x55});
      EXPECT_EQ(fs.content(file), expected) << kept << ' ' << written_back;
    }
  }
}

TEST_P(EveryEngine, CutsALongSparseFile) {
  EngineUnderTest fs(GetParam());
  const File file = fs.create("sparse");
  EXPECT_EQ(fs.write(file, 0, bytes_of("begin")), 0);
  EXPECT_EQ(fs.write(file, 5000 * kTestChunk, bytes_of("end")), 0);
  EXPECT_EQ(fs.resize(file, 3), 0);
  EXPECT_EQ(fs.resize(file, 5000 * kTestChunk + 3), 0);
  EXPECT_EQ(fs.read(file, 0, 5), bytes_of(std::string_view("beg\0\0", 5)));
  EXPECT_EQ(fs.read(file, 5000 * kTestChunk, 3), filled(3, 0));
}

TEST_P(EveryEngine, AFileTruncatedOnOpenIsEmpty) {
  EngineUnderTest fs(GetParam());
  const File file = fs.create("a");
  EXPECT_EQ(fs.write(file, 0, filled(10000, 1)), 0);
  fs.close(file);
  const File again = fs.open("a", O_RDWR | O_TRUNC);
  EXPECT_EQ(fs.size(again), 0U);
  EXPECT_EQ(fs.write(again, 10, bytes_of("x")), 0);
  Bytes expected = filled(11, 0);
  expected.back() = std::byte{'x'};
  EXPECT_EQ(fs.content(again), expected);
}

TEST_P(EveryEngine, UnlinkedOpenFilesWorkUntilClosed) {
  EngineUnderTest fs(GetParam());
  const File file = fs.create("a");
  EXPECT_EQ(fs.write(file, 0, bytes_of("before")), 0);
  EXPECT_TRUE(fs.engine().unlink({kRootInode, "a"}));
  EXPECT_EQ(fs.write(file, 6, bytes_of("after")), 0);
  EXPECT_EQ(fs.sync(file), 0);
  EXPECT_EQ(fs.content(file), bytes_of("beforeafter"));
  fs.close(file);
  EXPECT_EQ(fs.write({file.inode, {}}, 0, bytes_of("x")), ESTALE) << "the handle has gone too";
  EXPECT_FALSE(fs.engine().lookup({kRootInode, "a"}));
}

TEST_P(EveryEngine, AFileRenamedOverStaysReadableThroughItsHandle) {
  EngineUnderTest fs(GetParam());
  const File old_file = fs.create("target");
  EXPECT_EQ(fs.write(old_file, 0, bytes_of("old")), 0);
  const File new_file = fs.create("source");
  EXPECT_EQ(fs.write(new_file, 0, bytes_of("new content")), 0);
  EXPECT_TRUE(fs.engine().rename({kRootInode, "source"}, {kRootInode, "target"}, {}));
  EXPECT_EQ(fs.content(old_file), bytes_of("old"));
  EXPECT_EQ(fs.content(fs.open("target")), bytes_of("new content"));
}

TEST_P(EveryEngine, HardLinksShareContent) {
  EngineUnderTest fs(GetParam());
  const File file = fs.create("a");
  ASSERT_TRUE(fs.engine().link(file.inode, {kRootInode, "b"}));
  EXPECT_EQ(fs.write(file, 0, bytes_of("shared")), 0);
  const File other = fs.open("b");
  EXPECT_EQ(other.inode, file.inode);
  EXPECT_EQ(fs.content(other), bytes_of("shared"));
  EXPECT_EQ(fs.engine().attributes(file.inode)->links, 2U);
  EXPECT_TRUE(fs.engine().unlink({kRootInode, "a"}));
  EXPECT_EQ(fs.content(fs.open("b")), bytes_of("shared"));
}

bool is_before(const timespec& a, const timespec& b) {
  return std::tuple(a.tv_sec, a.tv_nsec) < std::tuple(b.tv_sec, b.tv_nsec);
}

TEST_P(EveryEngine, WritingAndCuttingSetTheTimes) {
  EngineUnderTest fs(GetParam());
  const File file = fs.create("a");
  const auto created = *fs.engine().attributes(file.inode);
  EXPECT_GT(created.modified.tv_sec, 0);
  EXPECT_EQ(fs.write(file, 0, bytes_of("x")), 0);
  const auto written = *fs.engine().attributes(file.inode);
  EXPECT_FALSE(is_before(written.modified, created.modified));
  EXPECT_FALSE(is_before(written.changed, written.modified));
  AttributeChange change;
  change.modified = timespec{1000, 5};
  ASSERT_TRUE(fs.engine().set_attributes(file.inode, change));
  const auto set = *fs.engine().attributes(file.inode);
  EXPECT_EQ(set.modified.tv_sec, 1000);
  EXPECT_EQ(set.modified.tv_nsec, 5);
  EXPECT_EQ(fs.resize(file, 0), 0);
  const auto cut = *fs.engine().attributes(file.inode);
  EXPECT_TRUE(is_before(set.modified, cut.modified));
  EXPECT_FALSE(is_before(cut.changed, set.changed));
}

TEST_P(EveryEngine, TimesAndSizeSurviveARestart) {
  EngineUnderTest fs(GetParam());
  const File file = fs.create("a");
  EXPECT_EQ(fs.write(file, 0, bytes_of("content")), 0);
  AttributeChange change;
  change.modified = timespec{1000, 5};
  ASSERT_TRUE(fs.engine().set_attributes(file.inode, change));
  fs.restart();
  const File again = fs.open("a");
  EXPECT_EQ(fs.content(again), bytes_of("content"));
  EXPECT_EQ(fs.engine().attributes(again.inode)->modified.tv_sec, 1000);
}

TEST_P(EveryEngine, RefusesWhatNoFileCanHold) {
  EngineUnderTest fs(GetParam());
  const File file = fs.create("a");
  const std::uint64_t beyond = kTestChunk << 32;
  EXPECT_EQ(fs.write(file, beyond - 1, bytes_of("x")), 0);
  EXPECT_EQ(fs.write(file, beyond - 1, bytes_of("xy")), EFBIG);
  EXPECT_EQ(fs.write(file, std::numeric_limits<std::uint64_t>::max() - 1, bytes_of("xyz")), EFBIG);
  EXPECT_EQ(fs.resize(file, beyond + 1), EFBIG);
  EXPECT_EQ(fs.size(file), beyond);
  EXPECT_EQ(fs.read(file, beyond - 1, 10), bytes_of("x"));
  EXPECT_EQ(fs.resize(file, 0), 0);
}

TEST_P(EveryEngine, FilesOfTheStoreAreCopiedOnWrite) {
  EngineUnderTest fs(GetParam());
  const Bytes object = filled(2 * kTestChunk + 10, 0x33);
  ASSERT_TRUE(fs.store().put("object", object));
  const File file = fs.open("object");
  EXPECT_EQ(fs.size(file), object.size());
  EXPECT_EQ(fs.content(file), object);
  EXPECT_EQ(fs.write(file, kTestChunk + 1, bytes_of("changed")), 0);
  Bytes expected = object;
  std::ranges::copy(bytes_of("changed"), expected.begin() + kTestChunk + 1);
  EXPECT_EQ(fs.content(file), expected);
  EXPECT_EQ(fs.sync(file), 0);
  EXPECT_EQ(fs.content(file), expected);
  fs.restart();
  EXPECT_EQ(fs.content(fs.open("object")), expected);
  Bytes stored(object.size());
  ASSERT_TRUE(fs.store().fetch("object", 0, stored));
  EXPECT_EQ(stored, object);
}

TEST_P(EveryEngine, AMissingObjectIsAnErrorAndNotZeros) {
  EngineUnderTest fs(GetParam());
  ASSERT_TRUE(fs.store().put("object", filled(10, 1)));
  const File file = fs.open("object");
  ASSERT_TRUE(fs.store().put("object", filled(5, 1)));
  Bytes out(10);
  const auto got = fs.engine().read(file.inode, file.handle, {0, 10}, out);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().value, EIO);
  EXPECT_EQ(fs.write(file, 0, bytes_of("x")), EIO);
}

// For the other test_engine_*.cpp files too.
INSTANTIATE_TEST_SUITE_P(Compiled, EveryEngine,
                         testing::ValuesIn(engine_combinations().begin(),
                                           engine_combinations().end()),
                         combination_name);

}  // namespace
}  // namespace vfsprof::vfs
