// What a write costs in copied, hashed and zeroed bytes: the figures that the strategies promise.

#include <gtest/gtest.h>

#include <map>
#include <string_view>

#include "vfs/counters.h"
#include "vfs/tests/engine_fixture.h"

namespace vfsprof::vfs {
namespace {

using File = EngineUnderTest::File;

/// What `counter` gains while `work` runs.
template <class Work>
std::uint64_t gained(Counter counter, Work&& work) {
  const std::uint64_t before = total(counter);
  work();
  return total(counter) - before;
}

std::string_view pool_of(const EngineCombination& combination) { return combination[0]; }
std::string_view key_of(const EngineCombination& combination) { return combination[2]; }
std::string_view copy_of(const EngineCombination& combination) { return combination[3]; }

TEST_P(EveryEngine, CopiesAPayloadAsOftenAsItsCopyStrategySays) {
  const std::map<std::string_view, std::uint64_t> copies{
      {"direct", 1}, {"double", 2}, {"triple", 3}, {"adopt", 1}};
  // What was not received into pages that it may keep, adopt copies once.
  const auto expected = copies.find(copy_of(GetParam()));
  ASSERT_NE(expected, copies.end()) << "say here how often the new value copies";
  EngineUnderTest fs(GetParam());
  const File file = fs.create("a");
  for (const std::size_t size : {std::size_t{1}, std::size_t{4096}, std::size_t{100'000}}) {
    const Bytes payload = filled(size, 1);
    for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{77}}) {
      const auto copied = gained(Counter::kBytesCopied, [&] { fs.write(file, offset, payload); });
      EXPECT_EQ(copied, size * expected->second) << size << " at " << offset;
    }
  }
}

TEST_P(EveryEngine, StagesAndWritesInTwoStepsAtTheSameCost) {
  EngineUnderTest fs(GetParam());
  const File file = fs.create("a");
  const Bytes payload = filled(1000, 1);
  const auto at_once = gained(Counter::kBytesCopied, [&] { fs.write(file, 0, payload); });
  const auto in_steps = gained(Counter::kBytesCopied, [&] {
    const Payload content(payload);
    const WriteRequest request{file.inode, file.handle, 0, content};
    const StagedPayload staged = fs.engine().stage(content);
    EXPECT_EQ(staged.payload.size(), payload.size());
    EXPECT_EQ(fs.engine().write_staged(request, staged).value_or(0), payload.size());
  });
  EXPECT_EQ(in_steps, at_once);
}

TEST_P(EveryEngine, HashesAKeyAsOftenAsItsPoolLooksItUp) {
  const std::map<std::string_view, std::uint64_t> lookups{
      {"mutex", 2}, {"sharded", 1}, {"tbb", 1}, {"rwlock", 1}, {"chunk_array", 0}};
  const std::map<std::string_view, std::uint64_t> key_bytes{{"wide", 20}, {"packed", 16}};
  const auto expected_lookups = lookups.find(pool_of(GetParam()));
  const auto expected_bytes = key_bytes.find(key_of(GetParam()));
  ASSERT_NE(expected_lookups, lookups.end()) << "say here how often the new pool looks up";
  ASSERT_NE(expected_bytes, key_bytes.end()) << "say here how long the new key is";
  EngineUnderTest fs(GetParam());
  const File file = fs.create("a");
  fs.write(file, 0, filled(4 * kTestChunk, 1));
  const auto hashed = gained(Counter::kBytesHashed, [&] {
    fs.write(file, 0, filled(100, 2));
    fs.write(file, kTestChunk, filled(3 * kTestChunk, 2));
  });
  EXPECT_EQ(hashed, 4 * expected_lookups->second * expected_bytes->second);
}

TEST_P(EveryEngine, ZeroesEachByteThatABlockGrowsByOnce) {
  EngineUnderTest fs(GetParam());
  const File file = fs.create("a");
  EXPECT_EQ(gained(Counter::kBytesZeroed, [&] { fs.write(file, 0, filled(100, 1)); }), 100U);
  EXPECT_EQ(gained(Counter::kBytesZeroed, [&] { fs.write(file, 50, filled(100, 1)); }), 50U);
  EXPECT_EQ(gained(Counter::kBytesZeroed, [&] { fs.write(file, 0, filled(150, 1)); }), 0U);
}

TEST_P(EveryEngine, WritesTheWholeFileBackHoweverLittleChanged) {
  EngineUnderTest fs(GetParam());
  const File file = fs.create("a");
  const std::uint64_t size = 10 * kTestChunk;
  fs.write(file, 0, filled(size, 1));
  EXPECT_EQ(gained(Counter::kBytesFlushed, [&] { fs.flush(file); }), size);
  fs.write(file, 0, filled(1, 2));
  EXPECT_EQ(gained(Counter::kBytesCopiedByFlush, [&] { fs.flush(file); }), size);
  EXPECT_EQ(gained(Counter::kCacheSyncs, [&] { fs.flush(file); }), 0U) << "nobody asked for it";
  fs.write(file, 0, filled(1, 3));
  EXPECT_GE(gained(Counter::kCacheSyncs, [&] { fs.sync(file); }), 1U);
}

}  // namespace
}  // namespace vfsprof::vfs
