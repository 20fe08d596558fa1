#include "vfs/wait_counts.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>

#include "vfs/base/unique_fd.h"

namespace vfsprof::vfs {
namespace {

constinit WaitPage private_page{};
constinit WaitPage* current_page = &private_page;  // set before the first thread

/// FNV-1a over the name, then the thread; never 0.
std::uint64_t key_of(std::string_view name, std::int32_t tid) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  hash = (hash ^ static_cast<std::uint32_t>(tid)) * 0x100000001b3;
  return hash == 0 ? 1 : hash;
}

void add_one(std::atomic<std::uint64_t>& counter) {
  counter.fetch_add(1, std::memory_order_relaxed);
}

/// The cell of the calling thread for a name; nothing if all are taken.
WaitPage::Cell* cell_of(std::string_view name, WordPurpose purpose) {
  thread_local const std::int32_t tid = ::gettid();
  name = name.substr(0, WaitPage::kNameSize - 1);
  WaitPage& page = *current_page;
  const std::uint64_t key = key_of(name, tid);
  for (std::size_t step = 0; step < WaitPage::kMaxCells; ++step) {
    WaitPage::Cell& cell = page.cells[(key + step) % WaitPage::kMaxCells];
    std::uint64_t found = cell.key.load(std::memory_order_relaxed);
    if (found == key) return &cell;
    if (found != 0) continue;
    // Only this thread writes this key; another may take the cell for a key of its own.
    if (!cell.key.compare_exchange_strong(found, key, std::memory_order_relaxed)) continue;
    cell.purpose = purpose;
    std::copy_n(name.data(), name.size(), cell.name);
    cell.tid = tid;
    // Release: a reader that sees it sees the three above.
    cell.ready.store(true, std::memory_order_release);
    return &cell;
  }
  add_one(page.lost);
  return nullptr;
}

}  // namespace

constinit std::atomic<std::uint32_t>* detail::waits_wanted = &private_page.wanted;

WaitPage& detail::wait_page() { return *current_page; }

bool publish_wait_counts(const char* file) {
  const UniqueFd fd(::open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd || ::ftruncate(fd.get(), sizeof(WaitPage)) != 0) return false;
  void* const memory =
      ::mmap(nullptr, sizeof(WaitPage), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (memory == MAP_FAILED) return false;
  current_page = static_cast<WaitPage*>(memory);
  detail::waits_wanted = &current_page->wanted;
  // Release: a reader that sees the magic sees a page in use.
  current_page->magic.store(WaitPage::kMagic, std::memory_order_release);
  return true;
}

void add(WaitPage::Durations& durations, std::chrono::nanoseconds duration) {
  const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(0, duration.count()));
  const std::size_t bucket =
      ns == 0 ? 0 : std::min<std::size_t>(std::bit_width(ns) - 1, WaitPage::kMaxBuckets - 1);
  durations.sum_ns.fetch_add(ns, std::memory_order_relaxed);
  add_one(durations.buckets[bucket]);
}

void detail::count_wait(std::string_view name, WordPurpose purpose,
                        std::chrono::nanoseconds duration) {
  WaitPage::Cell* const cell = cell_of(name, purpose);
  if (cell == nullptr) return;
  add_one(cell->waits);
  add(cell->wait, duration);
}

void detail::count_wake(std::string_view name, WordPurpose purpose) {
  if (WaitPage::Cell* const cell = cell_of(name, purpose)) add_one(cell->wakes);
}

}  // namespace vfsprof::vfs
