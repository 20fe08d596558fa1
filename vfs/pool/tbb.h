#pragma once

#include <oneapi/tbb/concurrent_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "vfs/no_file_part.h"
#include "vfs/pool/block.h"

namespace vfsprof::vfs {

/// oneTBB's concurrent_hash_map: a block is used under its accessor, a spinning reader-writer lock
/// of its own. Cost: one hash, one shared lock of a bucket, one lock of the block; waiting spins
/// before it yields, and never sleeps. Source: oneTBB, containers/concurrent_hash_map.
struct TbbPool {
  static constexpr std::string_view kName = "tbb";
  static constexpr std::string_view kSummary =
      "oneTBB concurrent_hash_map, a block locked by its accessor";

  template <class Key, class Hasher, class AccountingStrategy>
  class Of;
};

template <class Key, class Hasher, class AccountingStrategy>
class TbbPool::Of {
 public:
  using PerFile = NoFilePart;

  template <class Change>
  bool modify(PerFile&, const Key& key, Change&& change) {
    typename Map::accessor found;
    if (!entries_.find(found, key)) return false;
    Entry& entry = found->second;
    const std::size_t old_size = entry.block.data.size();
    change(entry.block);
    if (const std::size_t size = entry.block.data.size(); size != old_size) {
      accounting_.update(entry.node, size);
    } else {
      accounting_.mark(entry.node);
    }
    return true;
  }

  template <class Look>
  bool read(PerFile&, const Key& key, Look&& look) {
    typename Map::const_accessor found;
    if (!entries_.find(found, key)) return false;
    look(found->second.block);
    accounting_.mark(found->second.node);
    return true;
  }

  bool insert(PerFile&, const Key& key, Block block) {
    typename Map::accessor at;
    if (!entries_.emplace(at, std::piecewise_construct, std::forward_as_tuple(key),
                          std::forward_as_tuple(std::move(block)))) {
      return false;
    }
    accounting_.insert(at->second.node, key, at->second.block.data.size());
    return true;
  }

  bool remove(PerFile& file, const Key& key) {
    return remove_if(file, key, [](const Block&) { return true; });
  }

  template <class Ask>
  bool remove_if(PerFile&, const Key& key, Ask&& ask) {
    typename Map::accessor found;
    if (!entries_.find(found, key) || !ask(std::as_const(found->second.block))) return false;
    accounting_.erase(found->second.node);
    return entries_.erase(found);
  }

  std::vector<Key> keys_by_age() { return accounting_.keys_by_age(); }
  std::uint64_t bytes() const { return accounting_.bytes(); }

 private:
  using Accounting = AccountingStrategy::template Of<Key, std::mutex>;

  struct Entry {
    explicit Entry(Block new_block) : block(std::move(new_block)) {}
    Block block;
    mutable Accounting::Node node;  // marked by readers
  };

  struct HashCompare {
    // The map takes its buckets from the low bits, where a hash may be weak.
    std::size_t hash(const Key& key) const {
      const std::uint64_t hash = hasher(key);
      return hash ^ hash >> 32;
    }
    bool equal(const Key& a, const Key& b) const { return a == b; }

    [[no_unique_address]] Hasher hasher;
  };

  // Not TBB's allocator: pools are compared by their locks and look-ups, so all allocate alike.
  using Map = tbb::concurrent_hash_map<Key, Entry, HashCompare,
                                       std::allocator<std::pair<const Key, Entry>>>;

  // Lock order: block (its accessor), accounting.
  Accounting accounting_;
  Map entries_;
};

}  // namespace vfsprof::vfs
