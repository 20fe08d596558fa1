#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

#include "vfs/counters.h"
#include "vfs/strategies.h"
#include "vfs/tests/engine_fixture.h"

namespace vfsprof::vfs {
namespace {

using File = EngineUnderTest::File;

constexpr std::uint64_t kBudget = 16 * kTestChunk;

/// Whether a close only hands the file over: then it is none to be told of a failure.
bool writes_behind(std::string_view flush) {
  bool behind = false;
  for_each_type(FlushList{}, [&]<class F>(TypeTag<F>) {
    if (F::kName == flush) behind = F().write_behind().has_value();
  });
  return behind;
}

std::vector<WriteBackCase> as_found() {
  std::vector<WriteBackCase> cases;
  for (const EngineCombination& combination : engine_combinations()) cases.push_back({combination});
  return cases;
}

/// Every flush strategy and the arena, under three engines that differ in most axes.
std::vector<WriteBackCase> with_every_flush() {
  const EngineCombination engines[] = {
      {"mutex", "sip13", "wide", "triple", "global", "lru_mutex"},
      {"sharded", "fx", "packed", "direct", "per_inode", "clock"},
      {"chunk_array", "fx", "packed", "adopt", "per_inode", "clock"}};
  std::vector<WriteBackCase> cases;
  for (const EngineCombination& combination : engines) {
    for (const std::string_view flush : names_of(FlushList{})) {
      cases.push_back({.combination = combination, .flush = flush, .memory = "arena"});
    }
  }
  return cases;
}

TEST_P(EveryWriteBack, KeepsContentsWithinASmallMemoryBudget) {
  EngineUnderTest fs(GetParam().combination, GetParam().options(kBudget));
  const std::uint64_t evictions = total(Counter::kPoolEvictions);
  std::vector<File> files;
  for (int i = 0; i < 10; ++i) files.push_back(fs.create(std::to_string(i)));
  for (std::uint64_t chunk = 0; chunk < 8; ++chunk) {
    for (std::size_t i = 0; i < files.size(); ++i) {
      const auto value = static_cast<std::uint8_t>(i * 16 + chunk);
      EXPECT_EQ(fs.write(files[i], chunk * kTestChunk, filled(kTestChunk, value)), 0);
    }
  }
  // The last write may pass the budget by its chunk.
  EXPECT_GE(total(Counter::kPoolEvictions) - evictions, 80U - 17U);
  for (std::size_t i = 0; i < files.size(); ++i) {
    for (std::uint64_t chunk = 0; chunk < 8; ++chunk) {
      const auto value = static_cast<std::uint8_t>(i * 16 + chunk);
      EXPECT_EQ(fs.read(files[i], chunk * kTestChunk, kTestChunk), filled(kTestChunk, value));
    }
  }
}

TEST_P(EveryWriteBack, EvictedBlocksAreFetchedBeforeTheyArePartlyOverwritten) {
  EngineUnderTest fs(GetParam().combination, GetParam().options(kBudget));
  const File file = fs.create("a");
  EXPECT_EQ(fs.write(file, 0, filled(kTestChunk, 1)), 0);
  EXPECT_EQ(fs.flush(file), 0);
  const File other = fs.create("b");
  for (std::uint64_t chunk = 0; chunk < 40; ++chunk) {
    EXPECT_EQ(fs.write(other, chunk * kTestChunk, filled(kTestChunk, 2)), 0);
  }
  EXPECT_EQ(fs.write(file, 10, bytes_of("x")), 0);
  Bytes expected = filled(kTestChunk, 1);
  expected[10] = std::byte{'x'};
  EXPECT_EQ(fs.content(file), expected);
  EXPECT_EQ(fs.resize(file, 5), 0);
  EXPECT_EQ(fs.resize(file, 20), 0);
  expected = filled(20, 0);
  std::fill_n(expected.begin(), 5, std::byte{1});
  EXPECT_EQ(fs.content(file), expected);
}

TEST_P(EveryWriteBack, AFailedWriteBackStaysDirtyAndIsToldToEachHandleOnce) {
  EngineUnderTest fs(GetParam().combination, GetParam().options());
  const File file = fs.create("a");
  const File second = fs.open("a");
  const Bytes content = filled(4 * kTestChunk, 7);
  EXPECT_EQ(fs.write(file, 0, content), 0);
  {
    const FileSizeLimit limit(kTestChunk);
    const int told_by_close = writes_behind(GetParam().flush) ? 0 : EFBIG;
    EXPECT_EQ(fs.flush(file), told_by_close);
    EXPECT_EQ(fs.flush(file), told_by_close);
    EXPECT_EQ(fs.sync(file), EFBIG);
    EXPECT_EQ(fs.content(file), content);
  }
  const File third = fs.open("a");
  EXPECT_EQ(fs.sync(file), 0) << "told already";
  EXPECT_EQ(fs.sync(second), EFBIG) << "not told yet, though the data is safe by now";
  EXPECT_EQ(fs.sync(second), 0);
  EXPECT_EQ(fs.sync(third), 0) << "opened after the failure";
  fs.restart();
  EXPECT_EQ(fs.content(fs.open("a")), content);
}

TEST_P(EveryWriteBack, SaysThatThereIsNoSpaceWhenNothingCanBeWrittenBack) {
  EngineUnderTest fs(GetParam().combination, GetParam().options(kBudget));
  const File file = fs.create("a");
  const FileSizeLimit limit(0);
  std::uint64_t chunks = 0;
  int error = 0;
  for (; chunks < 100 && error == 0; ++chunks) {
    error = fs.write(file, chunks * kTestChunk, filled(kTestChunk, 9));
  }
  EXPECT_EQ(error, ENOSPC);
  EXPECT_LE(chunks, kBudget / kTestChunk + 2);
  EXPECT_EQ(fs.content(file), filled((chunks - 1) * kTestChunk, 9)) << "what was accepted is kept";
}

TEST_P(EveryWriteBack, OneFileThatCannotBeWrittenBackDoesNotStopTheOthers) {
  EngineUnderTest fs(GetParam().combination, GetParam().options(kBudget));
  const File large = fs.create("large");
  EXPECT_EQ(fs.write(large, 0, filled(4 * kTestChunk, 1)), 0);
  const FileSizeLimit limit(2 * kTestChunk);
  for (int i = 0; i < 50; ++i) {
    const File small = fs.create(std::to_string(i));
    EXPECT_EQ(fs.write(small, 0, filled(2 * kTestChunk, 2)), 0) << i;
  }
  EXPECT_EQ(fs.content(large), filled(4 * kTestChunk, 1));
}

TEST_P(EveryWriteBack, WritesBackOnlyWhatIsDirty) {
  EngineUnderTest fs(GetParam().combination, GetParam().options());
  const File file = fs.create("a");
  EXPECT_EQ(fs.flush(file), 0);
  const std::uint64_t before = total(Counter::kFlushes);
  EXPECT_EQ(fs.write(file, 0, filled(100, 1)), 0);
  EXPECT_EQ(fs.flush(file), 0);
  EXPECT_EQ(fs.flush(file), 0);
  EXPECT_EQ(total(Counter::kFlushes) - before, 1U);
  EXPECT_EQ(fs.write(file, 50, filled(1, 2)), 0);
  EXPECT_TRUE(fs.engine().write_back_all());
  EXPECT_TRUE(fs.engine().write_back_all());
  EXPECT_EQ(total(Counter::kFlushes) - before, 2U);
}

// For test_engine_random.cpp too.
INSTANTIATE_TEST_SUITE_P(AsFound, EveryWriteBack, testing::ValuesIn(as_found()),
                         write_back_case_name);
INSTANTIATE_TEST_SUITE_P(EveryFlush, EveryWriteBack, testing::ValuesIn(with_every_flush()),
                         write_back_case_name);

}  // namespace
}  // namespace vfsprof::vfs
