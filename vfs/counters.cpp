#include "vfs/counters.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>

#include "vfs/base/unique_fd.h"

namespace vfsprof::vfs {
namespace {

using Slot = CounterPage::Slot;

constexpr std::size_t kOverflowSlot = CounterPage::kMaxThreads - 1;
constexpr std::int32_t kFree = 0;
constexpr std::int32_t kShared = -1;

constinit CounterPage private_page{};
constinit CounterPage* current_page = &private_page;  // guarded by slots_mutex
constinit std::mutex slots_mutex;

template <std::size_t kSize>
void copy_text(char (&field)[kSize], std::string_view text) {
  std::copy_n(text.data(), std::min(text.size(), kSize - 1), field);
}

void fill_in(CounterPage& page) {
  page.counter_count = kCounterCount;
  for (std::size_t i = 0; i < kCounterCount; ++i) {
    copy_text(page.descriptions[i].name, kCounters[i].name);
    copy_text(page.descriptions[i].unit, kCounters[i].unit);
    copy_text(page.descriptions[i].stability, to_string(kCounters[i].stability));
  }
  // Release: a reader that sees the magic sees the descriptions.
  page.magic.store(CounterPage::kMagic, std::memory_order_release);
}

Slot& claim_free_slot() {
  const std::lock_guard lock(slots_mutex);
  CounterPage& page = *current_page;
  const std::size_t used = page.slot_count.load(std::memory_order_relaxed);
  std::size_t index = 0;
  while (index < used && page.slots[index].tid.load(std::memory_order_relaxed) != kFree) ++index;
  index = std::min(index, kOverflowSlot);
  Slot& slot = page.slots[index];
  slot.tid.store(index == kOverflowSlot ? kShared : ::gettid(), std::memory_order_relaxed);
  // Release: a reader that sees the new count sees the slot's thread.
  page.slot_count.store(static_cast<std::uint32_t>(std::max(used, index + 1)),
                        std::memory_order_release);
  return slot;
}

/// Gives the slot back when its thread ends.
struct SlotOwner {
  Slot& slot = claim_free_slot();
  ~SlotOwner() {
    const std::lock_guard lock(slots_mutex);
    if (slot.tid.load(std::memory_order_relaxed) != kShared) {
      slot.tid.store(kFree, std::memory_order_relaxed);
    }
  }
};

}  // namespace

bool publish_counters(const char* file) {
  const UniqueFd fd(::open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd || ::ftruncate(fd.get(), sizeof(CounterPage)) != 0) return false;
  const std::lock_guard lock(slots_mutex);
  if (current_page->slot_count.load(std::memory_order_relaxed) != 0) {
    errno = EBUSY;
    return false;
  }
  void* const memory =
      ::mmap(nullptr, sizeof(CounterPage), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (memory == MAP_FAILED) return false;
  current_page = static_cast<CounterPage*>(memory);
  fill_in(*current_page);
  return true;
}

std::uint64_t total(Counter counter) {
  const std::lock_guard lock(slots_mutex);
  std::uint64_t sum = 0;
  for (const Slot& slot : current_page->slots) {
    sum += slot.values[static_cast<std::size_t>(counter)].load(std::memory_order_relaxed);
  }
  return sum;
}

Slot& detail::claim_slot() {
  thread_local SlotOwner owner;
  return owner.slot;
}

}  // namespace vfsprof::vfs
