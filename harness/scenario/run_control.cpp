#include "harness/scenario/run_control.h"

#include <sched.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace vfsprof::harness {

std::uint64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

void RunControl::fail(std::string failure) {
  {
    const std::lock_guard lock(mutex_);
    if (failure_.empty()) failure_ = std::move(failure);
    stopping_.store(true, std::memory_order_relaxed);
  }
  changed_.notify_all();
}

std::string RunControl::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

void RunControl::pause(std::chrono::nanoseconds duration) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, duration, [this] { return stopping(); });
}

void RunControl::sleep_until(std::uint64_t time_ns) const {
  // In steps, as a failure elsewhere does not end a sleep.
  constexpr std::uint64_t kStepNs = 50'000'000;
  for (std::uint64_t now = now_ns(); now < time_ns && !stopping(); now = now_ns()) {
    const std::uint64_t wake_ns = std::min(time_ns, now + kStepNs);
    const timespec wake{.tv_sec = static_cast<time_t>(wake_ns / 1'000'000'000),
                        .tv_nsec = static_cast<long>(wake_ns % 1'000'000'000)};
    ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &wake, nullptr);
  }
}

void PreciseSleep::until(std::uint64_t time_ns, const RunControl& control) {
  const std::uint64_t before_ns = now_ns();
  if (before_ns >= time_ns) return;
  if (before_ns + lead_ns_ < time_ns) {
    const std::uint64_t wake_ns = time_ns - lead_ns_;
    control.sleep_until(wake_ns);
    const std::uint64_t late_ns = std::min(now_ns() - wake_ns, kMostSpinNs);
    // Up fast, down slowly: most wake-ups are to come before their time, none long before it.
    lead_ns_ = late_ns > lead_ns_ ? lead_ns_ + (late_ns - lead_ns_) / 4
                                  : lead_ns_ - (lead_ns_ - late_ns) / 16;
  }
  while (now_ns() < time_ns && !control.stopping()) {
    if (yields_) ::sched_yield();
  }
}

void RunControl::open_if_complete(Barrier& barrier) {
  if (barrier.here < barrier.members) return;
  barrier.here = 0;
  ++barrier.passed;
  for (TurnState& state : turns_) {
    if (state.at != &barrier) continue;
    state.at = nullptr;
    state.ready = !state.left;
  }
  changed_.notify_all();
}

void RunControl::wait_at_barrier(unsigned number, unsigned client) {
  std::unique_lock lock(mutex_);
  Barrier& barrier = barriers_[number];
  const std::uint64_t passed = barrier.passed;
  ++barrier.here;
  if (!turns_.empty()) {
    turns_[client].at = &barrier;
    turns_[client].ready = false;
  }
  open_if_complete(barrier);
  if (turns_.empty()) {
    changed_.wait(lock, [&] { return stopping() || barrier.passed != passed; });
    return;
  }
  if (turns_[client].ready) return;  // it was the last to come, and keeps its turn
  draw_turn();
  changed_.wait(lock, [&] { return stopping() || turn_ == client; });
}

void RunControl::leave_barrier(unsigned number) {
  const std::lock_guard lock(mutex_);
  Barrier& barrier = barriers_[number];
  --barrier.members;
  if (barrier.here > 0) open_if_complete(barrier);
}

void RunControl::wait_for_phase(unsigned phase) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] {
    return stopping() || std::all_of(phases_.begin(), phases_.lower_bound(phase),
                                     [](const auto& lower) { return lower.second == 0; });
  });
}

void RunControl::leave_phase(unsigned phase, unsigned client) {
  {
    const std::lock_guard lock(mutex_);
    --phases_[phase];
    if (!turns_.empty()) {
      turns_[client].left = true;
      turns_[client].ready = false;
      make_ready();
    }
  }
  changed_.notify_all();
}

void RunControl::use_lockstep(std::vector<unsigned> phases, std::uint64_t seed,
                              std::function<void()> settle) {
  const std::lock_guard lock(mutex_);
  for (const unsigned phase : phases) turns_.push_back({.phase = phase});
  random_ = Random(seed);
  settle_ = std::move(settle);
  make_ready();
  draw_turn();
}

/// Clients of the lowest phase that is not done may be drawn. With the lock held.
void RunControl::make_ready() {
  const auto current =
      std::ranges::find_if(phases_, [](const auto& phase) { return phase.second > 0; });
  if (current == phases_.end()) return;
  for (TurnState& state : turns_) {
    if (state.phase == current->first && !state.left && state.at == nullptr) state.ready = true;
  }
}

/// With the lock held.
void RunControl::draw_turn() {
  const auto ready =
      static_cast<std::uint64_t>(std::ranges::count(turns_, true, &TurnState::ready));
  turn_.reset();
  if (ready == 0) return;
  std::uint64_t drawn = random_.below(ready);
  for (unsigned client = 0; !turn_; ++client) {
    if (turns_[client].ready && drawn-- == 0) turn_ = client;
  }
  changed_.notify_all();
}

void RunControl::wait_for_turn(unsigned client) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return stopping() || turn_ == client; });
}

void RunControl::pass_turn(unsigned client) {
  if (!stopping()) settle_();
  const std::lock_guard lock(mutex_);
  if (turn_ == client) draw_turn();
}

}  // namespace vfsprof::harness
