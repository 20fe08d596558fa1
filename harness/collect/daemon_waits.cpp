#include "harness/collect/daemon_waits.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>

#include "harness/collect/fuse_requests.h"
#include "harness/collect/round_threads.h"
#include "vfs/base/result.h"
#include "vfs/base/unique_fd.h"
#include "vfs/wait_counts.h"

namespace vfsprof::harness {
namespace {

using vfs::WaitPage;

WaitPage& page_in(const MappedMemory& memory) {
  return *reinterpret_cast<WaitPage*>(memory.bytes());
}

std::uint64_t value_of(const std::atomic<std::uint64_t>& counter) {
  return counter.load(std::memory_order_relaxed);
}

reports::WordPurpose purpose_of(vfs::WordPurpose purpose) {
  return static_cast<reports::WordPurpose>(
      std::min(static_cast<unsigned>(purpose), static_cast<unsigned>(vfs::WordPurpose::kOther)));
}
static_assert(static_cast<int>(vfs::WordPurpose::kOther) ==
              static_cast<int>(reports::WordPurpose::kOther));

reports::Waits& waits_of(reports::Round& round) {
  if (!round.waits) round.waits.emplace();
  // One stack without frames: call sites are not known.
  if (round.waits->stacks.empty()) round.waits->stacks.emplace_back();
  return *round.waits;
}

}  // namespace

void DaemonWaits::attach(const Observed& observed) {
  problem_ = observed.counter_page
                 ? map(observed.counter_page->string() + ".waits")
                 : "the observed process counts no waits of its own (only vfsprof-mount does)";
}

std::string DaemonWaits::map(const std::filesystem::path& path) {
  const UniqueFd file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  struct stat status{};
  if (!file || ::fstat(file.get(), &status) != 0) {
    return fmt::format("cannot open the daemon's counts of waits {}: {}", path.string(),
                       describe(Errno{errno}));
  }
  if (status.st_size < static_cast<off_t>(sizeof(WaitPage))) {
    return fmt::format("the daemon's counts of waits {} have {} bytes, expected at least {}",
                       path.string(), status.st_size, sizeof(WaitPage));
  }
  memory_ = MappedMemory(file.get(), sizeof(WaitPage), PROT_READ | PROT_WRITE);
  // Acquire: pairs with the daemon's release store.
  if (!memory_ || page_in(memory_).magic.load(std::memory_order_acquire) != WaitPage::kMagic) {
    return fmt::format("{} is no page of waits of this version", path.string());
  }
  return "";
}

void DaemonWaits::start() {
  if (!problem_.empty() || counting_) return;
  before_ = read();
  counting_ = true;
  page_in(memory_).wanted.fetch_add(1);
}

void DaemonWaits::stop() {
  if (!counting_) return;
  counting_ = false;
  page_in(memory_).wanted.fetch_sub(1);
  after_ = read();
}

DaemonWaits::Reading DaemonWaits::read() const {
  const WaitPage& page = page_in(memory_);
  const auto durations = [](const WaitPage::Durations& from) {
    Durations result{.sum_ns = value_of(from.sum_ns), .buckets = {}};
    for (const auto& bucket : from.buckets) result.buckets.push_back(value_of(bucket));
    return result;
  };
  Reading reading{.cells = std::vector<Cell>(WaitPage::kMaxCells),
                  .requests = {},
                  .lost = value_of(page.lost),
                  .unstamped = value_of(page.unstamped)};
  for (std::size_t i = 0; i < WaitPage::kMaxCells; ++i) {
    const WaitPage::Cell& from = page.cells[i];
    // Acquire: pairs with the daemon's release store, which it does after name and thread.
    if (!from.ready.load(std::memory_order_acquire)) continue;
    reading.cells[i] = {
        .tid = from.tid,
        .name = {from.name, std::find(from.name, from.name + WaitPage::kNameSize, '\0')},
        .purpose = purpose_of(from.purpose),
        .waits = value_of(from.waits),
        .wakes = value_of(from.wakes),
        .wait = durations(from.wait)};
  }
  for (const WaitPage::Requests& from : page.requests) {
    reading.requests.push_back({.count = value_of(from.count),
                                .errors = value_of(from.errors),
                                .daemon = durations(from.daemon),
                                .reply = durations(from.reply)});
  }
  return reading;
}

DaemonWaits::Durations DaemonWaits::difference(const Durations& before, const Durations& after) {
  Durations result{.sum_ns = after.sum_ns - before.sum_ns, .buckets = after.buckets};
  for (std::size_t i = 0; i < before.buckets.size(); ++i) result.buckets[i] -= before.buckets[i];
  while (!result.buckets.empty() && result.buckets.back() == 0) result.buckets.pop_back();
  return result;
}

void DaemonWaits::add_futexes(reports::Round& round) const {
  if (!problem_.empty()) return;
  reports::FutexLedger& ledger = waits_of(round).futexes;
  ledger.source = "counters of the daemon";
  ledger.call_sites = false;
  ledger.results = false;  // time-outs, EAGAIN and useless wakes are not known
  ledger.lost = after_.lost - before_.lost;
  std::map<std::string, std::uint32_t> words;
  for (std::size_t i = 0; i < after_.cells.size(); ++i) {
    const Cell &before = before_.cells[i], &after = after_.cells[i];
    const std::uint64_t waits = after.waits - before.waits, wakes = after.wakes - before.wakes;
    if (after.tid == 0 || waits + wakes == 0) continue;
    const auto [word, added] =
        words.try_emplace(after.name, static_cast<std::uint32_t>(ledger.words.size()));
    if (added) ledger.words.push_back({.address = 0, .name = after.name, .purpose = after.purpose});
    reports::FutexCalls calls;
    calls.thread = thread_index(round, after.tid, "");
    calls.word = word->second;
    if (waits > 0) {
      Durations times = difference(before.wait, after.wait);
      calls.operation = "WAIT";
      calls.calls = calls.woken = waits;
      calls.wait_ns = times.sum_ns;
      calls.wait_time = std::move(times.buckets);
      ledger.calls.push_back(calls);
    }
    if (wakes == 0) continue;
    reports::FutexCalls woken;
    woken.thread = calls.thread;
    woken.word = calls.word;
    woken.operation = "WAKE";
    woken.calls = woken.threads_woken = wakes;
    ledger.calls.push_back(woken);
  }
}

void DaemonWaits::add_requests(reports::Round& round) const {
  if (!problem_.empty()) return;
  reports::Waits& waits = waits_of(round);
  waits.fuse_source = "stamps of the daemon";
  for (std::size_t opcode = 0; opcode < after_.requests.size(); ++opcode) {
    const Requests &before = before_.requests[opcode], &after = after_.requests[opcode];
    if (after.count == before.count) continue;
    Durations daemon = difference(before.daemon, after.daemon);
    Durations reply = difference(before.reply, after.reply);
    waits.fuse.push_back({.operation = fuse_operation_name(static_cast<std::uint32_t>(opcode)),
                          .count = after.count - before.count,
                          .errors = after.errors - before.errors,
                          .queue = {},
                          .daemon = std::move(daemon.buckets),
                          .reply = std::move(reply.buckets),
                          .queue_ns = 0,
                          .daemon_ns = daemon.sum_ns,
                          .reply_ns = reply.sum_ns});
  }
}

}  // namespace vfsprof::harness
