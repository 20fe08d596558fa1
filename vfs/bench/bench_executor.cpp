// executor/VALUE/round_trip: a task that does nothing, from the thread that wants it done and back.
// An executor that works in place adds a call and no more.

#include <fmt/format.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <thread>

#include "vfs/bench/bench.h"
#include "vfs/executor/frontend.h"
#include "vfs/executor/task.h"
#include "vfs/executor/worker_pool.h"
#include "vfs/strategies.h"

namespace vfsprof::vfs::bench {
namespace {

/// The floor of a hand-off: a thread that sleeps in a futex is woken, and wakes its waker. Two
/// wake-ups, no queue, no spinning.
class FutexPartner {
 public:
  FutexPartner() : thread_([this] { answer(); }) {}
  ~FutexPartner() {
    ended_ = true;
    pass(kPartner);
    thread_.join();
  }
  FutexPartner(const FutexPartner&) = delete;
  FutexPartner& operator=(const FutexPartner&) = delete;

  void round_trip() {
    pass(kPartner);
    wait_for(kCaller);
  }

 private:
  static constexpr std::uint32_t kCaller = 0;
  static constexpr std::uint32_t kPartner = 1;

  void answer() {
    for (wait_for(kPartner); !ended_; wait_for(kPartner)) pass(kCaller);
  }
  void pass(std::uint32_t to) {
    turn_.store(to);
    ::syscall(SYS_futex, &turn_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  }
  void wait_for(std::uint32_t mine) {
    while (turn_.load() != mine) {
      ::syscall(SYS_futex, &turn_, FUTEX_WAIT_PRIVATE, 1 - mine, nullptr, nullptr, 0);
    }
  }

  static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));
  std::atomic<std::uint32_t> turn_{kCaller};
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

void futex_round_trips(benchmark::State& state) {
  FutexPartner partner;
  for (auto _ : state) partner.round_trip();
  state.SetItemsProcessed(state.iterations());
}

template <class E>
struct HandOver {
  WorkerPool workers{kWorkers};
  E executor{workers};
};

/// Opaque to the compiler, as the engine behind its virtual call is.
[[gnu::noinline]] void do_nothing(std::int64_t& done) {
  ++done;
  benchmark::ClobberMemory();
}

template <class E>
void round_trips(benchmark::State& state) {
  std::int64_t done = 0;
  for (auto _ : state) {
    Shared<HandOver<E>>::get().executor.run([&done] { do_nothing(done); });
  }
  if (done != state.iterations()) state.SkipWithError("not every task was run");
  state.SetItemsProcessed(state.iterations());
}

template <class E>
void add_executor() {
  Shared<HandOver<E>>::use_in(add(fmt::format("executor/{}/round_trip", E::kName), round_trips<E>));
}

}  // namespace

void add_executor_benchmarks() {
  add(fmt::format("executor/{}-futex/round_trip", kBaseline), futex_round_trips);
  for_each_type(ExecutorList{}, []<class E>(TypeTag<E>) { add_executor<E>(); });
}

}  // namespace vfsprof::vfs::bench
