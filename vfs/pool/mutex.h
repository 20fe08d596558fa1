#pragma once

#include <cstdint>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "vfs/accounting/accounting.h"
#include "vfs/counted_mutex.h"
#include "vfs/no_file_part.h"
#include "vfs/pool/block.h"

namespace vfsprof::vfs {

/// One mutex over blocks, key index and accounting.
/// Cost: two locks and two look-ups a modify: the change itself under the first, the bookkeeping
/// under the second. The payload is copied under the lock, so writers of different files wait for
/// each other. Source: memory_pool, version 2 of the system in the analysis document.
struct MutexPool {
  static constexpr std::string_view kName = "mutex";
  static constexpr std::string_view kSummary =
      "one mutex over blocks, key index and LRU, locked twice per modify, as found";

  template <class Key, class Hasher, class AccountingStrategy>
  class Of;
};

template <class Key, class Hasher, class AccountingStrategy>
class MutexPool::Of {
 public:
  using PerFile = NoFilePart;

  template <class Change>
  bool modify(PerFile&, const Key& key, Change&& change) {
    {
      const std::lock_guard lock(mutex_);
      const auto found = entries_.find(key);
      if (found == entries_.end()) return false;
      change(found->second.block);
    }
    keep_books(key);
    return true;
  }

  template <class Look>
  bool read(PerFile&, const Key& key, Look&& look) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end()) return false;
    Entry& entry = found->second;
    look(std::as_const(entry.block));
    accounting_.update(entry.node, entry.block.data.size());
    return true;
  }

  bool insert(PerFile&, const Key& key, Block block) {
    const std::lock_guard lock(mutex_);
    const auto [at, inserted] = entries_.try_emplace(key, std::move(block));
    if (inserted) accounting_.insert(at->second.node, key, at->second.block.data.size());
    return inserted;
  }

  bool remove(PerFile& file, const Key& key) {
    return remove_if(file, key, [](const Block&) { return true; });
  }

  template <class Ask>
  bool remove_if(PerFile&, const Key& key, Ask&& ask) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end() || !ask(std::as_const(found->second.block))) return false;
    accounting_.erase(found->second.node);
    entries_.erase(found);
    return true;
  }

  std::vector<Key> keys_by_age() {
    const std::lock_guard lock(mutex_);
    return accounting_.keys_by_age();
  }

  std::uint64_t bytes() const { return accounting_.bytes(); }

 private:
  using Accounting = AccountingStrategy::template Of<Key, NullMutex>;

  struct Entry {
    explicit Entry(Block new_block) : block(std::move(new_block)) {}
    Block block;
    Accounting::Node node;
  };

  /// The block may have gone since it was changed: then there is nothing to keep.
  void keep_books(const Key& key) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end()) return;
    accounting_.update(found->second.node, found->second.block.data.size());
  }

  CountedMutex<std::mutex> mutex_{"pool.mutex"};  // guards all below
  Accounting accounting_;
  std::unordered_map<Key, Entry, Hasher> entries_;
};

}  // namespace vfsprof::vfs
