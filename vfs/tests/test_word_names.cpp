#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "vfs/base/unique_fd.h"
#include "vfs/counted_mutex.h"
#include "vfs/executor/parker.h"
#include "vfs/wait_counts.h"
#include "vfs/word_names.h"

namespace vfsprof::vfs {
namespace {

/// What a reader of a page sees. One page for all tests, as the daemon has one.
template <class Page>
class Published {
 public:
  static const Page& page(bool (*publish)(const char*)) {
    static const Published published(publish);
    return *published.page_;
  }

 private:
  explicit Published(bool (*publish)(const char*)) {
    const std::string path = testing::TempDir() + "vfsprof-page-" + std::to_string(sizeof(Page)) +
                             "-" + std::to_string(::getpid());
    EXPECT_TRUE(publish(path.c_str()));
    const UniqueFd fd(::open(path.c_str(), O_RDWR));
    page_ = static_cast<Page*>(
        ::mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0));
    ::unlink(path.c_str());
  }
  Page* page_;
};

const WordPage& names() { return Published<WordPage>::page(publish_word_names); }
WaitPage& waits() { return const_cast<WaitPage&>(Published<WaitPage>::page(publish_wait_counts)); }

const WordPage::Row* row_of(const void* address) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  const WordPage::Row* latest = nullptr;
  for (std::uint32_t i = 0; i < names().row_count.load(); ++i) {
    const WordPage::Row& row = names().rows[i];
    const std::uint64_t begin = row.begin.load();
    if (wanted < begin || wanted >= begin + row.bytes) continue;
    if (latest == nullptr || row.serial.load() > latest->serial.load()) latest = &row;
  }
  return latest;
}

TEST(WordNames, ObjectsThatWereMadeBeforeThePageAreOnIt) {
  const std::mutex mutex;
  const WordName name(mutex, "early.mutex", WordPurpose::kLock);
  ASSERT_EQ(names().magic.load(), WordPage::kMagic);
  const WordPage::Row* const row = row_of(&mutex);
  ASSERT_NE(row, nullptr);
  EXPECT_STREQ(row->name, "early.mutex");
}

TEST(WordNames, ARangeHasANameAndAPurpose) {
  (void)names();
  struct {
    std::mutex mutex;
    std::condition_variable condition;
    WordName mutex_name{mutex, "a.mutex", WordPurpose::kLock};
    WordName condition_name{condition, "a.not_empty", WordPurpose::kQueue};
  } object;
  const auto* const last = reinterpret_cast<const char*>(&object.condition + 1) - 1;
  ASSERT_NE(row_of(&object.mutex), nullptr);
  EXPECT_STREQ(row_of(&object.mutex)->name, "a.mutex");
  ASSERT_NE(row_of(last), nullptr);
  EXPECT_STREQ(row_of(last)->name, "a.not_empty");
  EXPECT_EQ(row_of(last)->purpose, WordPurpose::kQueue);
}

TEST(WordNames, ARowOutlivesItsObjectAndALaterOneWins) {
  (void)names();
  alignas(std::mutex) std::byte memory[sizeof(std::mutex)];
  {
    const WordName gone(memory, sizeof memory, "first", WordPurpose::kLock);
  }
  ASSERT_NE(row_of(memory), nullptr);
  EXPECT_STREQ(row_of(memory)->name, "first");
  const WordName later(memory, sizeof memory, "second", WordPurpose::kLock);
  EXPECT_STREQ(row_of(memory)->name, "second");
}

TEST(WordNames, RowsAreUsedAgain) {
  (void)names();
  const std::mutex mutex;
  for (int i = 0; i < 200'000; ++i) {
    const WordName name(mutex, "again", WordPurpose::kLock);
  }
  EXPECT_LT(names().row_count.load(), 10'000U);
  EXPECT_EQ(names().unnamed.load(), 0U);
}

TEST(WordNames, ALongNameIsCutAndAnEmptyObjectHasNone) {
  const std::uint32_t rows = names().row_count.load();
  struct Empty {
  } empty;
  const WordName none(empty, "none", WordPurpose::kLock);
  EXPECT_EQ(names().row_count.load(), rows);
  const std::mutex mutex;
  const WordName name(mutex, std::string(100, 'x'), WordPurpose::kLock);
  EXPECT_EQ(std::strlen(row_of(&mutex)->name), WordPage::kNameSize - 1);
}

/// The waits and wakes of all threads under a name.
struct Counted {
  std::uint64_t waits = 0, wakes = 0, wait_ns = 0, in_buckets = 0;
};
Counted counted(const std::string& name) {
  Counted sum;
  for (const WaitPage::Cell& cell : waits().cells) {
    if (!cell.ready.load() || cell.name != name) continue;
    sum.waits += cell.waits;
    sum.wakes += cell.wakes;
    sum.wait_ns += cell.wait.sum_ns;
    for (const auto& bucket : cell.wait.buckets) sum.in_buckets += bucket;
  }
  return sum;
}

TEST(WaitCounts, NothingIsCountedUntilSomebodyReadsAlong) {
  ASSERT_EQ(waits().magic.load(), WaitPage::kMagic);
  counted_wait("unread", WordPurpose::kLock, [] {});
  counted_wake("unread", WordPurpose::kLock);
  EXPECT_EQ(counted("unread").waits + counted("unread").wakes, 0U);
}

TEST(WaitCounts, ParkedThreadsAreCounted) {
  waits().wanted = 1;
  Parker parker("test.parked", WordPurpose::kQueue);
  constexpr std::uint64_t kTimes = 50;
  std::atomic<std::uint64_t> about_to_park{0};
  std::thread thread([&] {
    for (std::uint64_t i = 0; i < kTimes; ++i) {
      ++about_to_park;
      parker.park();
    }
  });
  for (std::uint64_t i = 0; i < kTimes; ++i) {
    while (about_to_park == i) std::this_thread::yield();
    parker.unpark();
  }
  thread.join();
  waits().wanted = 0;
  const Counted sum = counted("test.parked");
  // A wake-up that comes before the thread has parked is none.
  EXPECT_EQ(sum.waits, sum.wakes);
  EXPECT_LE(sum.waits, kTimes);
  EXPECT_EQ(sum.in_buckets, sum.waits);
}

TEST(WaitCounts, OnlyContendedLocksAreCounted) {
  waits().wanted = 1;
  CountedMutex<std::mutex> mutex("test.lock");
  for (int i = 0; i < 10; ++i) {
    const std::lock_guard lock(mutex);
  }
  EXPECT_EQ(counted("test.lock").waits, 0U);
  std::optional<std::lock_guard<CountedMutex<std::mutex>>> held(mutex);
  std::atomic<bool> trying{false};
  std::thread waiter([&] {
    trying = true;
    const std::lock_guard lock(mutex);
  });
  while (!trying) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  held.reset();
  waiter.join();
  waits().wanted = 0;
  EXPECT_EQ(counted("test.lock").waits, 1U);
  EXPECT_GT(counted("test.lock").wait_ns, 0U);
}

}  // namespace
}  // namespace vfsprof::vfs
