// What a write costs in bytes copied, hashed and zeroed, locks and wake-ups: the figures that the
// strategies promise.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <ostream>
#include <string_view>

#include "vfs/counters.h"
#include "vfs/executor/frontend.h"
#include "vfs/executor/worker_pool.h"
#include "vfs/tests/engine_fixture.h"
#include "vfs/tests/lock_counter.h"

namespace vfsprof::vfs {

// For messages of GoogleTest, which looks here.
static void PrintTo(const LockCounts& counts, std::ostream* out) {
  *out << counts.mutexes << " mutexes, " << counts.rwlocks << " reader-writer locks";
}

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
std::string_view metadata_of(const EngineCombination& combination) { return combination[4]; }
std::string_view accounting_of(const EngineCombination& combination) { return combination[5]; }

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

TEST_P(EveryEngine, CopiesNothingOfPagesThatItMayKeep) {
  EngineUnderTest fs(GetParam(), {.memory = "arena"});
  const File file = fs.create("a");
  constexpr std::size_t kPayloadBytes = 4 * kPageBytes;
  const auto pages = fs.engine().payload_pages(kPayloadBytes);
  ASSERT_EQ(pages != nullptr, copy_of(GetParam()) == "adopt");
  if (pages == nullptr) return;  // the test above says how often it copies
  for (int round = 0; round < 3; ++round) {
    pages->renew();
    const auto rest = pages->rest().first(kPayloadBytes - kPageBytes);
    std::ranges::fill(pages->first(), static_cast<std::byte>(round));
    std::ranges::fill(rest, static_cast<std::byte>(round));
    const Payload payload(pages->first(), rest, pages.get());
    const auto copied = gained(Counter::kBytesCopied, [&] {
      EXPECT_TRUE(fs.engine().write({file.inode, file.handle, 0, payload}).has_value());
    });
    EXPECT_EQ(copied, 0U);
    EXPECT_EQ(fs.content(file), filled(kPayloadBytes, static_cast<std::uint8_t>(round)));
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
  // Twice: oneTBB's map moves what was inserted to its new buckets when it is next looked up.
  fs.write(file, 0, filled(4 * kTestChunk, 1));
  fs.write(file, 0, filled(4 * kTestChunk, 1));
  const auto hashed = gained(Counter::kBytesHashed, [&] {
    fs.write(file, 0, filled(100, 2));
    fs.write(file, kTestChunk, filled(3 * kTestChunk, 2));
  });
  EXPECT_EQ(hashed, 4 * expected_lookups->second * expected_bytes->second);
}

/// Locks of the C library that `work` takes on this thread.
template <class Work>
LockCounts locks_of(Work&& work) {
  const LockCounts before = locks_taken();
  work();
  const LockCounts after = locks_taken();
  return {after.mutexes - before.mutexes, after.rwlocks - before.rwlocks};
}

LockCounts operator+(const LockCounts& a, const LockCounts& b) {
  return {a.mutexes + b.mutexes, a.rwlocks + b.rwlocks};
}

/// A write of one chunk. Spin locks are not counted: those of chunk_array, per_inode and arena, and
/// the ones inside oneTBB.
struct ExpectedLocks {
  LockCounts overwrite;
  LockCounts growth;
};

ExpectedLocks expected_locks(const EngineCombination& engine) {
  const std::map<std::string_view, LockCounts> of_pool{
      {"mutex", {.mutexes = 2}},    // the change, then the books
      {"sharded", {.rwlocks = 2}},  // shard, block
      {"rwlock", {.rwlocks = 1}},
      {"tbb", {}},
      {"chunk_array", {}}};
  // Size before the write, what changed after it.
  const std::map<std::string_view, LockCounts> of_metadata{{"global", {.rwlocks = 2}},
                                                           {"per_inode", {}}};
  const std::map<std::string_view, LockCounts> of_accounting{{"lru_mutex", {.mutexes = 1}},
                                                             {"clock", {}}};
  // These pools do their accounting under the lock that they hold anyway.
  const bool pool_locks_accounting = pool_of(engine) == "mutex" || pool_of(engine) == "rwlock";
  const LockCounts content{.rwlocks = 1};
  const LockCounts overwrite =
      content + of_pool.at(pool_of(engine)) + of_metadata.at(metadata_of(engine));
  const LockCounts accounting =
      pool_locks_accounting ? LockCounts{} : of_accounting.at(accounting_of(engine));
  return {.overwrite = overwrite, .growth = overwrite + accounting};
}

TEST_P(EveryEngine, TakesAsManyLocksAsItsStrategiesSay) {
  if (!counts_locks()) GTEST_SKIP() << "a sanitizer replaces the locks' functions too";
  EngineUnderTest fs(GetParam());
  const File file = fs.create("a");
  const Bytes bytes = filled(100, 1);
  const Payload payload(bytes);
  const auto write = [&](std::uint64_t offset) {
    return locks_of(
        [&] { (void)fs.engine().try_write({file.inode, file.handle, offset, payload}); });
  };
  write(0);
  const ExpectedLocks expected = expected_locks(GetParam());
  for (int round = 0; round < 3; ++round) EXPECT_EQ(write(0), expected.overwrite);
  for (std::uint64_t offset = 100; offset < 400; offset += 100) {
    EXPECT_EQ(write(offset), expected.growth) << offset;
  }
  EXPECT_EQ(fs.size(file), 400U);
}

TEST_P(EveryEngine, IsHandedOverAndWokenAsOftenAsItsExecutorSays) {
  struct HandOver {
    std::uint64_t hand_offs;  ///< a write
    std::uint64_t max_wakes;  ///< a write: whoever is awake still needs none
  };
  const std::map<std::string_view, HandOver> expected{
      {"sync", {0, 0}}, {"local", {0, 0}}, {"block_on", {2, 3}}, {"spin", {2, 3}}};
  constexpr std::uint64_t kWrites = 20;
  const Bytes bytes = filled(100, 1);
  const WriteReply ignored{.send = [](const WriteReply&, Result<std::size_t>) {},
                           .context = nullptr};
  for (const ValueInfo& executor : axes()[static_cast<std::size_t>(Axis::kExecutor)].values) {
    SCOPED_TRACE(executor.name);
    const auto found = expected.find(executor.name);
    ASSERT_NE(found, expected.end()) << "say here how often the new executor hands over and wakes";
    WorkerPool workers(kWorkers);
    EngineUnderTest fs(GetParam());
    const File file = fs.create("a");
    const auto frontend = make_frontend(executor.name, fs.engine(), workers);
    std::uint64_t wakes = 0;
    const auto hand_offs = gained(Counter::kHandOffs, [&] {
      wakes = gained(Counter::kThreadWakes, [&] {
        for (std::uint64_t i = 0; i < kWrites; ++i) {
          frontend->write({file.inode, file.handle, i * bytes.size(), Payload(bytes)}, ignored);
        }
        frontend->drain();
      });
    });
    EXPECT_EQ(hand_offs, kWrites * found->second.hand_offs);
    EXPECT_LE(wakes, kWrites * found->second.max_wakes);
    EXPECT_EQ(fs.size(file), kWrites * bytes.size());
  }
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
