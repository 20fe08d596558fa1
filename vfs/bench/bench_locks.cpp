// lock/VALUE/uncontended: locking and unlocking a mutex that nobody else wants: as the C++ library
// has it, with a name, and with a name and counted waits. lock/name: making and ending a name.

#include <mutex>
#include <shared_mutex>

#include "vfs/bench/bench.h"
#include "vfs/counted_mutex.h"
#include "vfs/word_names.h"

namespace vfsprof::vfs::bench {
namespace {

struct NamedMutex : std::mutex {
  const WordName name{static_cast<std::mutex&>(*this), "bench.mutex", WordPurpose::kLock};
};

template <class Mutex, class... Name>
void uncontended(benchmark::State& state, Name... name) {
  Mutex mutex{name...};
  for (auto _ : state) {
    mutex.lock();
    benchmark::ClobberMemory();
    mutex.unlock();
  }
  state.SetItemsProcessed(state.iterations());
}

template <class Mutex, class... Name>
void uncontended_shared(benchmark::State& state, Name... name) {
  Mutex mutex{name...};
  for (auto _ : state) {
    mutex.lock_shared();
    benchmark::ClobberMemory();
    mutex.unlock_shared();
  }
  state.SetItemsProcessed(state.iterations());
}

void name_an_object(benchmark::State& state) {
  const std::mutex mutex;
  for (auto _ : state) {
    const WordName name(mutex, "bench.mutex", WordPurpose::kLock);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations());
}

}  // namespace

void add_lock_benchmarks() {
  constexpr std::string_view kName = "bench.counted";
  using Counted = CountedMutex<std::mutex>;
  using CountedShared = CountedMutex<std::shared_mutex>;
  benchmark::RegisterBenchmark("lock/baseline/uncontended", uncontended<std::mutex>);
  benchmark::RegisterBenchmark("lock/named/uncontended", uncontended<NamedMutex>);
  benchmark::RegisterBenchmark("lock/counted/uncontended", uncontended<Counted, std::string_view>,
                               kName);
  benchmark::RegisterBenchmark("lock/baseline/uncontended_shared",
                               uncontended_shared<std::shared_mutex>);
  benchmark::RegisterBenchmark("lock/counted/uncontended_shared",
                               uncontended_shared<CountedShared, std::string_view>, kName);
  benchmark::RegisterBenchmark("lock/name", name_an_object);
}

}  // namespace vfsprof::vfs::bench
