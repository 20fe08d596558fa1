#pragma once

#include <cstdint>
#include <mutex>
#include <shared_mutex>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "vfs/accounting/accounting.h"
#include "vfs/counted_mutex.h"
#include "vfs/no_file_part.h"
#include "vfs/pool/block.h"

namespace vfsprof::vfs {

/// One reader-writer lock over blocks, key index and accounting.
/// Cost: one lock and one look-up; a change excludes everybody, readers go together.
/// Source: the usual first step away from one mutex, std::shared_mutex as C++ has it.
struct RwLockPool {
  static constexpr std::string_view kName = "rwlock";
  static constexpr std::string_view kSummary = "one reader-writer lock over all blocks";

  template <class Key, class Hasher, class AccountingStrategy>
  class Of;
};

template <class Key, class Hasher, class AccountingStrategy>
class RwLockPool::Of {
 public:
  using PerFile = NoFilePart;

  template <class Change>
  bool modify(PerFile&, const Key& key, Change&& change) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end()) return false;
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
    const std::shared_lock lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end()) return false;
    look(std::as_const(found->second.block));
    accounting_.mark(found->second.node);
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

  CountedMutex<std::shared_mutex> mutex_{"pool.mutex"};  // guards all below
  Accounting accounting_;
  std::unordered_map<Key, Entry, Hasher> entries_;
};

}  // namespace vfsprof::vfs
