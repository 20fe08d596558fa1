// vfsprof-microbench: what one operation of each strategy costs, beside the plainest thing that
// could do it. Uses Google Benchmark; --help lists its options, README.md says what is measured.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "vfs/bench/bench.h"
#include "vfs/variant.h"

namespace vfsprof::vfs::bench {
namespace {

enum ExitCode { kSuccess = 0, kBadUsage = 2, kEnvironment = 3 };

void add_all() {
  static_assert(kAxisCount == 9, "a new axis needs its benchmarks here");
  add_pool_benchmarks();
  add_pool_latency_benchmarks();
  add_hash_benchmarks();
  add_copy_benchmarks();
  add_executor_benchmarks();
  add_flush_benchmarks();
  add_lock_benchmarks();
  add_memory_benchmarks();
  add_metadata_benchmarks();
  add_accounting_benchmarks();
}

int run(int argc, char** argv) {
  add_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return kBadUsage;
  if (benchmark::RunSpecifiedBenchmarks() == 0) {
    fmt::print(stderr,
               "vfsprof-microbench: --benchmark_filter matches nothing; --benchmark_list_tests "
               "lists what there is\n");
    return kBadUsage;
  }
  benchmark::Shutdown();
  return kSuccess;
}

}  // namespace
}  // namespace vfsprof::vfs::bench

int main(int argc, char** argv) {
  try {
    return vfsprof::vfs::bench::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "vfsprof-microbench: {}\n", error.what());
    return vfsprof::vfs::bench::kEnvironment;
  }
}
