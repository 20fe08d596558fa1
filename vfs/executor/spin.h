#pragma once

#include <chrono>
#include <string_view>
#include <utility>

#include "vfs/executor/dispatcher.h"

namespace vfsprof::vfs {

/// As `block_on`, through the same dispatcher and the same two hand-offs, but whoever waits (the
/// dispatcher and the workers for work, the session thread for the result) spins for up to 2 us
/// before it parks: so the two differ in that alone. Who is found spinning needs no wake-up.
/// Cost: up to three cores that spin while nothing is theirs to do; between requests that are more
/// than 2 us apart everybody parks as under `block_on`, and the spinning was in vain. On one CPU a
/// spinning thread only keeps the one that it waits for from running, so there nobody spins.
/// Source: spin-then-park as in folly's WaitOptions, whose default is 2 us too (with the futex
/// round trip of about 7 us that it avoids).
class Spin {
 public:
  static constexpr std::string_view kName = "spin";
  static constexpr std::string_view kSummary =
      "as block_on, but whoever waits spins up to 2 us before it parks";
  static constexpr bool kInPlace = false;
  static constexpr SpinLimit kLimit = std::chrono::microseconds(2);

  explicit Spin(WorkerPool& workers) : Spin(workers, limit_on(usable_cpus())) {}
  /// With a limit of one's own, for tests and measurements.
  Spin(WorkerPool& workers, SpinLimit limit) : workers_(workers), dispatcher_(workers, limit) {
    workers_.set_spin(limit);
  }
  /// Lets the workers park at once again.
  ~Spin() { workers_.set_spin(kNoSpin); }
  Spin(const Spin&) = delete;
  Spin& operator=(const Spin&) = delete;

  template <class Work>
  void run(Work&& work) {
    TaskOf task(std::forward<Work>(work));
    dispatcher_.run(task);
  }

  /// How many CPUs the calling thread, and those that it starts, may run on (sched_getaffinity).
  static unsigned usable_cpus();
  /// How long to spin where there are so many CPUs.
  static constexpr SpinLimit limit_on(unsigned cpus) { return cpus > 1 ? kLimit : kNoSpin; }

 private:
  WorkerPool& workers_;
  Dispatcher dispatcher_;
};

}  // namespace vfsprof::vfs
