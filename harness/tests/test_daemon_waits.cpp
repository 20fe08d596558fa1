// What the reference daemon says of itself: names of its futex words, its waits and requests.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <string>

#include "harness/collect/daemon_waits.h"
#include "harness/collect/word_names.h"
#include "harness/tests/mount_fixture.h"
#include "reports/model/run_result.h"
#include "vfs/word_names.h"

namespace vfsprof::harness {
namespace {

using reports::FutexCalls;
using reports::WordPurpose;

#define SKIP_WITHOUT_MOUNTS() \
  if (const std::string reason = reason_not_to_mount(); !reason.empty()) GTEST_SKIP() << reason

Observed observed(Mount& mount) {
  return {*mount.target().observed_process(), mount.target().counter_page()};
}

constexpr const char* kWrites = "dd if=/dev/zero of=file bs=4k count=500 2>/dev/null";

TEST(DaemonWaits, WaitsOfTheHandOffAndRequestsAreCounted) {
  SKIP_WITHOUT_MOUNTS();
  Mount mount("mutex-pool");
  DaemonWaits waits;
  waits.attach(observed(mount));
  ASSERT_EQ(waits.problem(), "");
  waits.start();
  ASSERT_TRUE(mount.shell(kWrites));
  waits.stop();
  reports::Round round;
  waits.add_futexes(round);
  waits.add_requests(round);

  std::uint64_t queue_waits = 0, completions = 0, woken = 0, waited = 0;
  for (const FutexCalls& entry : round.waits->futexes.calls) {
    const WordPurpose purpose = round.waits->futexes.words[entry.word].purpose;
    queue_waits += purpose == WordPurpose::kQueue ? entry.woken : 0;
    completions += purpose == WordPurpose::kCompletion ? entry.woken : 0;
    woken += purpose == WordPurpose::kLock ? 0 : entry.threads_woken;
    waited += purpose == WordPurpose::kLock ? 0 : entry.woken;
  }
  EXPECT_GE(completions, 250U);  // of 500 writes; the worker may be done before the waiter parks
  EXPECT_GE(queue_waits, 500U);
  EXPECT_NEAR(static_cast<double>(woken), static_cast<double>(waited),
              0.02 * static_cast<double>(waited) + 4);
  const auto write = std::find_if(round.waits->fuse.begin(), round.waits->fuse.end(),
                                  [](const auto& entry) { return entry.operation == "WRITE"; });
  ASSERT_NE(write, round.waits->fuse.end());
  EXPECT_EQ(write->count, 500U);
  EXPECT_GT(write->daemon_ns, 0U);
  EXPECT_GT(write->reply_ns, 0U);
  EXPECT_TRUE(write->queue.empty());
  EXPECT_EQ(round.waits->futexes.lost, 0U);
  EXPECT_LE(waits.unstamped(), 1U);  // INIT may still have been on its way
}

TEST(DaemonWaits, NothingIsCountedWhileNobodyReads) {
  SKIP_WITHOUT_MOUNTS();
  Mount mount("mutex-pool");
  ASSERT_TRUE(mount.shell(kWrites));
  DaemonWaits waits;
  waits.attach(observed(mount));
  waits.start();
  waits.stop();
  reports::Round round;
  waits.add_futexes(round);
  waits.add_requests(round);
  EXPECT_TRUE(round.waits->futexes.calls.empty());
  EXPECT_TRUE(round.waits->fuse.empty());
}

TEST(DaemonWaits, AForeignProgramHasNone) {
  DaemonWaits waits;
  waits.attach({.pid = ::getpid(), .counter_page = std::nullopt});
  EXPECT_NE(waits.problem(), "");
  waits.start();
  waits.stop();
  reports::Round round;
  waits.add_futexes(round);
  waits.add_requests(round);
  EXPECT_FALSE(round.waits);
}

TEST(WordNames, TheDaemonsLocksAndQueuesHaveNames) {
  SKIP_WITHOUT_MOUNTS();
  Mount mount("mutex-pool");
  ASSERT_TRUE(mount.shell(kWrites));
  const std::string file = mount.target().counter_page()->string() + ".words";
  std::ifstream stream(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  ASSERT_EQ(bytes.size(), sizeof(vfs::WordPage));
  const auto& page = *reinterpret_cast<const vfs::WordPage*>(bytes.data());
  const WordNames names(observed(mount));
  EXPECT_EQ(names.problem(), "");
  std::set<std::string> found;
  for (std::uint32_t i = 0; i < page.row_count; ++i) {
    // The last byte of each object, where the words of a shared mutex lie.
    const WordNames::Name name = names.find(page.rows[i].begin + page.rows[i].bytes - 4);
    EXPECT_EQ(name.name, page.rows[i].name);
    found.insert(name.name);
  }
  for (const char* name :
       {"pool.mutex", "metadata.mutex", "dispatcher.queue", "dispatcher.queue.not_empty",
        "workers.queue", "workers.parked", "task.done", "namespace.mutex", "file.content"}) {
    EXPECT_TRUE(found.contains(name)) << name;
  }
}

TEST(WordNames, InAForeignProgramOnlyWordsOfLibrariesHaveNames) {
  static std::uint32_t global = 1;
  std::uint32_t on_stack = 0;
  const auto heap = std::make_unique<std::uint32_t>(0);
  const WordNames names({.pid = ::getpid(), .counter_page = std::nullopt});
  const auto name_of = [&](const void* address) {
    return names.find(reinterpret_cast<std::uintptr_t>(address)).name;
  };
  EXPECT_EQ(name_of(stdout), "data of libc.so.6");  // its lock is a futex word
  EXPECT_EQ(name_of(&global) + name_of(&on_stack) + name_of(heap.get()), "");
  EXPECT_EQ(names.find(8).name, "");
}

}  // namespace
}  // namespace vfsprof::harness
