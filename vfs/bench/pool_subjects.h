#pragma once

#include <fmt/format.h>
#include <oneapi/tbb/concurrent_hash_map.h>

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "vfs/bench/bench.h"
#include "vfs/strategies.h"

// What the pool benchmarks measure: every pool, and the maps that a program would take without one.
//
// | expression          | type   | meaning                                                 |
// |---------------------|--------|---------------------------------------------------------|
// | `S()`               |        | holds an empty block for each Place                     |
// | `S::name()`         | string | value of the axis or baseline                           |
// | `S::description()`  | string | hash, key and accounting                                |
// | `s.modify(place, f)`| bool   | `f(Block&)` while nobody else sees the block            |
// | `s.read(place, f)`  | bool   | `f(const Block&)` while nobody changes the block        |

namespace vfsprof::vfs::bench {

inline constexpr std::size_t kBlockBytes = 4096;

/// A full block. Its memory lives as long as the program.
inline Block make_block() {
  static Heap memory;
  Block block{.data = BlockBytes(memory, kBlockBytes)};
  block.data.resize(kBlockBytes);
  return block;
}

/// Calls `insert(place)` for every place.
template <class Insert>
void for_each_place(Insert&& insert) {
  for (std::uint64_t file = 0; file < kFiles; ++file) {
    for (std::uint32_t chunk = 0; chunk < kChunksPerFile; ++chunk) insert(Place{file, chunk});
  }
}

template <class Key>
Key key_of(const Place& place) {
  return Key({kRootInode.value + 1 + place.file}, {place.chunk});
}

/// A pool, as an engine uses it.
template <class P, class H, class Key, class A>
class PoolSubject {
 public:
  PoolSubject() {
    for_each_place([this](const Place& place) {
      pool_.insert(files_[place.file], key_of<Key>(place), make_block());
    });
  }

  static std::string_view name() { return P::kName; }
  static std::string description() {
    return fmt::format("hash={},key={},accounting={}", H::kName, Key::kName, A::kName);
  }

  template <class Change>
  bool modify(const Place& place, Change&& change) {
    return pool_.modify(files_[place.file], key_of<Key>(place), change);
  }
  template <class Look>
  bool read(const Place& place, Look&& look) {
    return pool_.read(files_[place.file], key_of<Key>(place), look);
  }

 private:
  using Pool = P::template Of<Key, KeyHasher<Key, H>, A>;

  Pool pool_;
  std::array<typename Pool::PerFile, kFiles> files_;
};

using BaselineHasher = KeyHasher<Packed, Fx>;

inline std::string baseline_description() {
  return fmt::format("hash={},key={}", Fx::kName, Packed::kName);
}

/// One mutex around a map, one look-up under it, no accounting.
template <class Map>
class LockedMap {
 public:
  LockedMap() {
    for_each_place(
        [this](const Place& place) { blocks_.emplace(key_of<Packed>(place), make_block()); });
  }

  static std::string description() { return baseline_description(); }

  template <class Change>
  bool modify(const Place& place, Change&& change) {
    const std::lock_guard lock(mutex_);
    const auto found = blocks_.find(key_of<Packed>(place));
    if (found == blocks_.end()) return false;
    change(found->second);
    return true;
  }
  template <class Look>
  bool read(const Place& place, Look&& look) {
    return modify(place, [&look](const Block& block) { look(block); });
  }

 private:
  std::mutex mutex_;  // guards the map
  Map blocks_;
};

struct StdMapSubject : LockedMap<std::unordered_map<Packed, Block, BaselineHasher>> {
  static std::string name() { return fmt::format("{}-mutex-unordered_map", kBaseline); }
};

struct FlatMapSubject : LockedMap<boost::unordered_flat_map<Packed, Block, BaselineHasher>> {
  static std::string name() { return fmt::format("{}-mutex-flat_map", kBaseline); }
};

/// oneTBB's map with its own allocator, no accounting.
class TbbMapSubject {
 public:
  TbbMapSubject() {
    for_each_place(
        [this](const Place& place) { blocks_.emplace(key_of<Packed>(place), make_block()); });
  }

  static std::string name() { return fmt::format("{}-tbb", kBaseline); }
  static std::string description() { return baseline_description(); }

  template <class Change>
  bool modify(const Place& place, Change&& change) {
    Map::accessor found;
    if (!blocks_.find(found, key_of<Packed>(place))) return false;
    change(found->second);
    return true;
  }
  template <class Look>
  bool read(const Place& place, Look&& look) {
    Map::const_accessor found;
    if (!blocks_.find(found, key_of<Packed>(place))) return false;
    look(found->second);
    return true;
  }

 private:
  struct HashCompare {
    // The map takes its buckets from the low bits, where this hash is weak.
    std::size_t hash(const Packed& key) const {
      const std::uint64_t hash = hasher(key);
      return hash ^ hash >> 32;
    }
    bool equal(const Packed& a, const Packed& b) const { return a == b; }

    [[no_unique_address]] BaselineHasher hasher;
  };
  using Map = tbb::concurrent_hash_map<Packed, Block, HashCompare>;

  Map blocks_;
};

/// The subjects, each as a TypeTag: the baselines, then every pool with every accounting, with the
/// cheapest hash and key and with those found.
template <class Visit>
void for_each_pool_subject(Visit&& visit) {
  visit(TypeTag<StdMapSubject>{});
  visit(TypeTag<FlatMapSubject>{});
  visit(TypeTag<TbbMapSubject>{});
  for_each_type(PoolList{}, [&]<class P>(TypeTag<P>) {
    for_each_type(AccountingList{}, [&]<class A>(TypeTag<A>) {
      visit(TypeTag<PoolSubject<P, Fx, Packed, A>>{});
      visit(TypeTag<PoolSubject<P, Sip13, Wide, A>>{});
    });
  });
}

/// An access that changes a block, but not its payload: the pool's own cost.
struct ModifyAccess {
  static constexpr std::string_view kName = "modify";
  template <class Subject>
  static bool apply(Subject& subject, const Place& place) {
    return subject.modify(place, [](Block& block) { ++block.version; });
  }
};

/// An access that looks at a block, but not at its payload.
struct ReadAccess {
  static constexpr std::string_view kName = "read";
  template <class Subject>
  static bool apply(Subject& subject, const Place& place) {
    return subject.read(place, [](const Block& block) { benchmark::DoNotOptimize(block.version); });
  }
};

/// A write of a whole block: the payload is copied under the pool's locks, or the block's.
struct WriteAccess {
  static constexpr std::string_view kName = "write_4k";
  template <class Subject>
  static bool apply(Subject& subject, const Place& place) {
    static const std::vector<std::byte> kContent(kBlockBytes, std::byte{7});
    return subject.modify(place, [](Block& block) {
      ++block.version;
      const Payload payload(kContent);
      block.data.write(0, {.payload = payload, .offset = 0, .size = kBlockBytes});
    });
  }
};

}  // namespace vfsprof::vfs::bench
