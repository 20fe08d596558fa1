// vfsprof-microbench: what one access of a pool costs, for every pool with every hash, beside the
// plainest thing that could do it. Uses Google Benchmark; --help lists its options.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdint>
#include <cstring>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include "vfs/strategies.h"

namespace vfsprof::vfs {
namespace {

constexpr std::uint64_t kFiles = 64;
constexpr std::uint32_t kChunks = 64;
constexpr std::size_t kBlockBytes = 4096;

/// The floor: one lock, one look-up, no accounting.
class Baseline {
 public:
  bool insert(const Packed& key, Block block) {
    const std::lock_guard lock(mutex_);
    return blocks_.try_emplace(key, std::move(block)).second;
  }
  template <class Change>
  bool modify(const Packed& key, Change&& change) {
    const std::lock_guard lock(mutex_);
    const auto found = blocks_.find(key);
    if (found == blocks_.end()) return false;
    change(found->second);
    return true;
  }

 private:
  std::mutex mutex_;
  std::unordered_map<Packed, Block, KeyHasher<Packed, Fx>> blocks_;
};

/// A pool of kFiles * kChunks blocks. Each thread rewrites `bytes` in blocks of files of its own,
/// so that threads meet in the pool's locks and not in a block's.
template <class Pool, class Key>
void modify(benchmark::State& state, std::size_t bytes) {
  static Pool pool;
  static std::once_flag filled;
  std::call_once(filled, [] {
    for (std::uint64_t file = 0; file < kFiles; ++file) {
      for (std::uint32_t chunk = 0; chunk < kChunks; ++chunk) {
        pool.insert(Key({file}, {chunk}), Block{.data = std::pmr::vector<std::byte>(kBlockBytes)});
      }
    }
  });
  const auto threads = static_cast<std::uint64_t>(state.threads());
  std::uint64_t step = 0;
  for (auto _ : state) {
    const std::uint64_t file =
        (step * threads + static_cast<std::uint64_t>(state.thread_index())) % kFiles;
    const auto chunk = static_cast<std::uint32_t>(step * 7 % kChunks);
    pool.modify(Key({file}, {chunk}), [&](Block& block) {
      std::memset(block.data.data(), static_cast<int>(step & 0xff), bytes);
      ++block.version;
    });
    ++step;
  }
  state.SetItemsProcessed(state.iterations());
}

template <class Pool, class Key>
void add(const std::string& name) {
  for (const std::size_t bytes : {std::size_t{0}, kBlockBytes}) {
    benchmark::RegisterBenchmark(fmt::format("modify/{}/bytes={}", name, bytes).c_str(),
                                 modify<Pool, Key>, bytes)
        ->Threads(1)
        ->Threads(2)
        ->Threads(8)
        ->UseRealTime();
  }
}

void add_all() {
  add<Baseline, Packed>("baseline: std::mutex, std::unordered_map, fx, packed");
  for_each_type(PoolList{}, []<class P>(TypeTag<P>) {
    for_each_type(HashList{}, []<class H>(TypeTag<H>) {
      using Pool = P::template Of<Wide, KeyHasher<Wide, H>, LruMutex>;
      add<Pool, Wide>(fmt::format("pool={},hash={},key={}", P::kName, H::kName, Wide::kName));
    });
  });
}

}  // namespace
}  // namespace vfsprof::vfs

int main(int argc, char** argv) {
  vfsprof::vfs::add_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
