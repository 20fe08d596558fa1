// pool/VALUE/SPREAD/latency/STRATEGIES: how long single writes of 4 KiB into the pool take while
// eight threads write. Where there are fewer processors the holder of a lock is preempted at times,
// and all who need that lock wait for it: this is in the far percentiles and in no mean.

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "vfs/bench/bench.h"
#include "vfs/bench/pool_subjects.h"

namespace vfsprof::vfs::bench {
namespace {

constexpr int kThreads = 8;
constexpr int kAccessesPerThread = 100000;

std::uint64_t clock_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(time.tv_nsec);
}

/// The least value that is not below a share of `parts_per_1000` of all. Reorders them.
std::uint64_t percentile(std::vector<std::uint64_t>& values, std::size_t parts_per_1000) {
  const std::size_t rank = (values.size() * parts_per_1000 + 999) / 1000;
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(std::max<std::size_t>(rank, 1) - 1);
  std::ranges::nth_element(values, at);
  return *at;
}

/// What two readings of the clock in a row are apart. Every latency holds it; it is not taken off.
std::uint64_t clock_cost_ns() {
  std::vector<std::uint64_t> costs(1001);
  for (std::uint64_t& cost : costs) {
    const std::uint64_t start = clock_ns();
    cost = clock_ns() - start;
  }
  return percentile(costs, 500);
}

/// The latencies of all threads of a run.
class Latencies {
 public:
  /// Takes a thread's own. Only the last thread to come gets all back.
  std::vector<std::uint64_t> add(const std::vector<std::uint64_t>& own) {
    const std::lock_guard lock(mutex_);
    all_.insert(all_.end(), own.begin(), own.end());
    if (++threads_ < kThreads) return {};
    return std::move(all_);
  }

 private:
  std::mutex mutex_;  // guards all below
  std::vector<std::uint64_t> all_;
  int threads_ = 0;
};

void report(benchmark::State& state, std::vector<std::uint64_t> latencies) {
  // Counters of threads are summed: only one sets them.
  const auto set = [&state](const char* name, std::uint64_t ns) {
    state.counters[name] = static_cast<double>(ns);
  };
  set("p50_ns", percentile(latencies, 500));
  set("p99_ns", percentile(latencies, 990));
  set("p99.9_ns", percentile(latencies, 999));
  set("max_ns", percentile(latencies, 1000));
  set("clock_ns", clock_cost_ns());
}

template <class Subject>
struct Run {
  Subject subject;
  Latencies latencies;
};

template <class Subject>
void time_accesses(benchmark::State& state, Spread spread) {
  auto& [subject, latencies] = Shared<Run<Subject>>::get();
  Walk walk(state, spread);
  std::vector<std::uint64_t> own;
  own.reserve(kAccessesPerThread);
  bool found = true;
  for (auto _ : state) {
    const std::uint64_t start = clock_ns();
    found &= WriteAccess::apply(subject, walk.next());
    own.push_back(clock_ns() - start);
  }
  if (!found) state.SkipWithError("a block is missing from the pool");
  auto all = latencies.add(own);
  if (!all.empty()) report(state, std::move(all));
}

template <class Subject>
void add_latency(Spread spread) {
  const std::string name = fmt::format("pool/{}/{}/latency/{}", Subject::name(), name_of(spread),
                                       Subject::description());
  auto* const added = benchmark::RegisterBenchmark(
      name.c_str(), [spread](benchmark::State& state) { time_accesses<Subject>(state, spread); });
  // A fixed number, so that all values do the same work.
  added->Iterations(kAccessesPerThread)->Threads(kThreads)->UseRealTime();
  Shared<Run<Subject>>::use_in(*added);
}

}  // namespace

void add_pool_latency_benchmarks() {
  for_each_pool_subject([]<class Subject>(TypeTag<Subject>) {
    add_latency<Subject>(Spread::kHot);
    add_latency<Subject>(Spread::kOwn);
  });
}

}  // namespace vfsprof::vfs::bench
