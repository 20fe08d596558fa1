#include "harness/scenario/replay_turns.h"

#include <fmt/format.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <climits>

namespace vfsprof::harness {
namespace {

/// Differences that are told one by one.
constexpr std::size_t kListed = 10;

void futex(std::atomic<std::uint32_t>& word, int operation, std::uint32_t value,
           const timespec* limit) {
  ::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), operation | FUTEX_PRIVATE_FLAG,
            value, limit, nullptr, 0);
}

}  // namespace

ReplayTurns::ReplayTurns(const std::vector<ClientPlan>& plans, const RunControl& control)
    : control_(control), clients_(plans.size()) {
  for (std::size_t i = 0; i < plans.size(); ++i) clients_[i].list = plans[i].job->operations.get();
}

/// Returns false where the run is stopping.
bool ReplayTurns::wait_until(Client& other, std::uint32_t count) const {
  // In steps, as a failure elsewhere wakes nobody here.
  constexpr timespec kStep{.tv_sec = 0, .tv_nsec = 50'000'000};
  std::uint32_t done = other.done.load(std::memory_order_acquire);
  if (done >= count) return true;
  other.waiting.fetch_add(1);  // sequentially consistent, as are the store and load in `end`
  while ((done = other.done.load()) < count && !control_.stopping()) {
    futex(other.done, FUTEX_WAIT, done, &kStep);
  }
  other.waiting.fetch_sub(1);
  return done >= count;
}

const Turn* ReplayTurns::begin(unsigned client) {
  Client& self = clients_[client];
  const Turn& turn = self.list->turns[self.turn];
  const std::size_t first = self.turn == 0 ? 0 : self.list->turns[self.turn - 1].wait_end;
  ++self.turn;
  for (std::size_t i = first; i < turn.wait_end; ++i) {
    const Wait& wait = self.list->waits[i];
    if (!wait_until(clients_[wait.client], wait.count)) return nullptr;
  }
  return &turn;
}

void ReplayTurns::end(unsigned client) {
  Client& self = clients_[client];
  const bool awaited = self.list->turns[self.turn - 1].awaited;
  if (!awaited) return self.done.store(self.turn, std::memory_order_release);
  self.done.store(self.turn);
  if (self.waiting.load() > 0) futex(self.done, FUTEX_WAKE, INT_MAX, nullptr);
}

void ReplayTurns::note_difference(std::uint64_t line, const std::string& text) {
  const std::lock_guard lock(mutex_);
  ++count_;
  // Clients meet theirs in any order; those that stand first in the recording are kept.
  first_.emplace_back(line, text);
  std::ranges::sort(first_);
  if (first_.size() > kListed) first_.pop_back();
}

std::string ReplayTurns::differences() const {
  const std::lock_guard lock(mutex_);
  if (count_ == 0) return {};
  std::uint64_t operations = 0;
  for (const Client& client : clients_) operations += client.list->operations.size();
  std::string text =
      fmt::format("{} of {} results differ from the recorded ones", count_, operations);
  for (std::size_t i = 0; i < first_.size(); ++i) {
    text += fmt::format("{} line {}: {}", i == 0 ? ":" : ";", first_[i].first, first_[i].second);
  }
  return count_ > first_.size() ? text + "; ..." : text;
}

}  // namespace vfsprof::harness
