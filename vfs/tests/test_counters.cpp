#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "vfs/base/unique_fd.h"
#include "vfs/counters.h"

namespace vfsprof::vfs {
namespace {

TEST(Counters, SumOverThreadsAlsoEndedOnes) {
  constexpr std::uint64_t kEach = 1000;
  const std::uint64_t before = total(Counter::kBytesZeroed);
  for (int round = 0; round < 3; ++round) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([] {
        for (std::uint64_t i = 0; i < kEach; ++i) count(Counter::kBytesZeroed);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(total(Counter::kBytesZeroed) - before, 3 * 8 * kEach);
}

TEST(Counters, ASlotGivenBackIsUsedAgain) {
  const CounterPage::Slot* first = nullptr;
  const CounterPage::Slot* second = nullptr;
  std::thread([&] { first = &detail::this_thread_slot(); }).join();
  std::thread([&] { second = &detail::this_thread_slot(); }).join();
  EXPECT_EQ(first, second);
}

TEST(Counters, MoreThreadsAtATimeThanThereAreSlotsShareTheLast) {
  std::vector<const CounterPage::Slot*> slots(2 * CounterPage::kMaxThreads);
  const std::function<void(std::size_t)> claim = [&](std::size_t i) {
    slots[i] = &detail::this_thread_slot();
    count(Counter::kHandOffs);
    if (i + 1 < slots.size()) std::thread(claim, i + 1).join();
  };
  std::thread(claim, 0).join();
  EXPECT_NE(slots.front(), slots.back());
  EXPECT_EQ(slots[slots.size() - 2], slots.back());
  EXPECT_EQ(slots.back()->tid.load(), -1);
}

bool page_describes_itself(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY));
  void* const memory = ::mmap(nullptr, sizeof(CounterPage), PROT_READ, MAP_SHARED, fd.get(), 0);
  if (memory == MAP_FAILED) return false;
  const auto& page = *static_cast<const CounterPage*>(memory);
  if (page.magic.load() != CounterPage::kMagic || page.counter_count != kCounterCount) return false;
  for (std::size_t i = 0; i < kCounterCount; ++i) {
    if (page.descriptions[i].name != kCounters[i].name) return false;
    if (page.descriptions[i].unit != kCounters[i].unit) return false;
  }
  const std::size_t writes = static_cast<std::size_t>(Counter::kWrites);
  return page.slot_count.load() == 1 && page.slots[0].tid.load() == ::gettid() &&
         page.slots[0].values[writes].load() == 42;
}

TEST(CounterPageFile, DescribesItselfAndShowsCountsAtOnce) {
  const std::string path = testing::TempDir() + "vfsprof-counters";
  // Publishing comes before a process's first count, so this program is started afresh for it.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        const bool published = publish_counters(path.c_str());
        count(Counter::kWrites, 42);
        std::_Exit(published && page_describes_itself(path) ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
  ::unlink(path.c_str());
}

TEST(CounterPageFile, ComesTooLateAfterTheFirstCount) {
  count(Counter::kWrites);
  const std::string path = testing::TempDir() + "vfsprof-counters-late";
  EXPECT_FALSE(publish_counters(path.c_str()));
  EXPECT_EQ(errno, EBUSY);
  ::unlink(path.c_str());
}

TEST(CounterPageFile, SaysWhyItCannotBeWritten) {
  EXPECT_FALSE(publish_counters("/nonexistent/counters"));
  EXPECT_EQ(errno, ENOENT);
}

}  // namespace
}  // namespace vfsprof::vfs
