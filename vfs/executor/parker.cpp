#include "vfs/executor/parker.h"

#include <string>

#include "vfs/counters.h"
#include "vfs/wait_counts.h"

namespace vfsprof::vfs {

Parker::Parker(std::string_view name, WordPurpose purpose)
    : name_(name),
      purpose_(purpose),
      mutex_name_(mutex_, std::string(name) + ".mutex", WordPurpose::kLock),
      condition_name_(condition_, name, purpose) {}

void Parker::park(SpinLimit spin) {
  // Relaxed: what was seen is taken, and its data acquired, by the exchange below.
  spin_until(spin, [this] { return state_.load(std::memory_order_relaxed) == kNotified; });
  // Acquire pairs with the release in unpark(): what the waker wrote is visible to the woken
  // thread.
  int expected = kNotified;
  if (state_.compare_exchange_strong(expected, kEmpty, std::memory_order_acquire)) return;

  std::unique_lock lock(mutex_);
  expected = kEmpty;
  if (!state_.compare_exchange_strong(expected, kParked, std::memory_order_acquire)) {
    state_.store(kEmpty, std::memory_order_relaxed);  // notified meanwhile
    return;
  }
  counted_wait(name_, purpose_, [&] {
    condition_.wait(lock, [this] {
      int notified = kNotified;
      return state_.compare_exchange_strong(notified, kEmpty, std::memory_order_acquire);
    });
  });
}

void Parker::unpark() {
  if (state_.exchange(kNotified, std::memory_order_acq_rel) != kParked) return;
  // The parked thread holds the mutex until it waits; once we have had it, notify cannot be missed.
  {
    const std::lock_guard lock(mutex_);
  }
  count(Counter::kThreadWakes);
  counted_wake(name_, purpose_);
  condition_.notify_one();
}

const std::shared_ptr<Parker>& Parker::of_this_thread() {
  thread_local const auto parker = std::make_shared<Parker>("task.done", WordPurpose::kCompletion);
  return parker;
}

}  // namespace vfsprof::vfs
