// hash/VALUE/KEY: one hash of one key. Each key depends on the hash before, as a look-up depends on
// its hash: the time is a latency, with the making of the key and the counting of its bytes.

#include <fmt/format.h>

#include <cstdint>
#include <cstring>

#include "vfs/bench/bench.h"
#include "vfs/strategies.h"

namespace vfsprof::vfs::bench {
namespace {

/// What everything but the hash costs.
struct FirstWord {
  static constexpr std::string_view kName = "baseline-first_word";
  static constexpr std::string_view kSummary = "no hash: the first word of the key";
  static constexpr WellMixed kWellMixed = WellMixed::kHighHalf;

  std::uint64_t operator()(std::span<const std::byte> bytes) const {
    std::uint64_t word;
    std::memcpy(&word, bytes.data(), sizeof word);
    return word;
  }
};

template <class H, class Key>
void hash_keys(benchmark::State& state) {
  const KeyHasher<Key, H>& hash = Shared<KeyHasher<Key, H>>::get();
  std::uint64_t inode = static_cast<std::uint64_t>(state.thread_index());
  for (auto _ : state) {
    inode = hash(Key({inode}, {1}));
    benchmark::DoNotOptimize(inode);
  }
  state.SetItemsProcessed(state.iterations());
}

template <class H>
void add_hash() {
  for_each_type(KeyList{}, []<class Key>(TypeTag<Key>) {
    Shared<KeyHasher<Key, H>>::use_in(
        add(fmt::format("hash/{}/{}", H::kName, Key::kName), hash_keys<H, Key>));
  });
}

}  // namespace

void add_hash_benchmarks() {
  add_hash<FirstWord>();
  for_each_type(HashList{}, []<class H>(TypeTag<H>) { add_hash<H>(); });
}

}  // namespace vfsprof::vfs::bench
