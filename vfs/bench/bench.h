#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace vfsprof::vfs::bench {

// Each registers the benchmarks of one axis, for every value of its list in strategies.h.
void add_accounting_benchmarks();
void add_copy_benchmarks();
void add_executor_benchmarks();
void add_flush_benchmarks();
void add_hash_benchmarks();  ///< with every key
void add_lock_benchmarks();    ///< what it costs that locks have names
void add_memory_benchmarks();
void add_metadata_benchmarks();
void add_pool_benchmarks();
void add_pool_latency_benchmarks();

/// Names the values that are not a strategy's: the plainest thing that could do the same, or the
/// least that it can cost.
inline constexpr std::string_view kBaseline = "baseline";

/// Registers `run(benchmark::State&)` under `name`, alone, with two threads, and with eight: more
/// than a small machine has processors. Times are on the wall, since waiting is part of the cost.
template <class Run>
benchmark::internal::Benchmark& add(const std::string& name, Run run) {
  return *benchmark::RegisterBenchmark(name.c_str(), std::move(run))
              ->Threads(1)
              ->Threads(2)
              ->Threads(8)
              ->UseRealTime();
}

/// The one T that all threads of a benchmark use: made before each run of it, gone after.
template <class T>
class Shared {
 public:
  static void use_in(benchmark::internal::Benchmark& benchmark) {
    benchmark.Setup([](const benchmark::State&) { object_.emplace(); });
    benchmark.Teardown([](const benchmark::State&) { object_.reset(); });
  }
  static T& get() { return *object_; }

 private:
  static inline std::optional<T> object_;
};

/// Which of a table's places the threads of a benchmark use.
enum class Spread {
  kHot,  ///< all threads the same one
  kOwn,  ///< each thread those of files of its own, one after the other
};

inline constexpr std::string_view name_of(Spread spread) {
  return spread == Spread::kHot ? "hot" : "own";
}

inline constexpr std::uint64_t kFiles = 64;
inline constexpr std::uint32_t kChunksPerFile = 16;

/// A chunk of one of kFiles files, each of kChunksPerFile.
struct Place {
  std::uint64_t file = 0;
  std::uint32_t chunk = 0;
};

/// The places that a thread goes to. With more than kFiles threads some share files.
class Walk {
 public:
  Walk(const benchmark::State& state, Spread spread)
      : step_(spread == Spread::kHot ? 0 : static_cast<std::uint64_t>(state.threads())),
        first_(spread == Spread::kHot ? 0 : static_cast<std::uint64_t>(state.thread_index())) {
    place_.file = first_ % kFiles;
  }

  Place next() {
    const Place place = place_;
    if (step_ == 0) return place;
    place_.file += step_;
    if (place_.file >= kFiles) {
      place_.file = first_ % kFiles;
      // Coprime to the number of chunks, so that it comes to all; not the next, which the processor
      // would fetch ahead.
      place_.chunk = (place_.chunk + 7) % kChunksPerFile;
    }
    return place;
  }

 private:
  const std::uint64_t step_;
  const std::uint64_t first_;
  Place place_;
};

}  // namespace vfsprof::vfs::bench
