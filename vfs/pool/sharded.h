#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "vfs/no_file_part.h"
#include "vfs/pool/block.h"
#include "vfs/word_names.h"

namespace vfsprof::vfs {

/// A power of two of shards, each a reader-writer lock and a map on cache lines of its own; a block
/// has a lock too. Cost: one hash, one shared lock of a shard, one reference counted up and down,
/// one lock of the block. Writers of different blocks meet only in a shard's reader count. Source:
/// the shape is leveldb's ShardedLRUCache (util/cache.cc), the locks are those of DashMap, version
/// 3 of the system in the analysis document.
struct ShardedPool {
  static constexpr std::string_view kName = "sharded";
  static constexpr std::string_view kSummary =
      "power-of-two cache-padded shards with reader-writer locks, a lock per block";

  template <class Key, class Hasher, class AccountingStrategy>
  class Of;
};

template <class Key, class Hasher, class AccountingStrategy>
class ShardedPool::Of {
 public:
  using PerFile = NoFilePart;

  template <class Change>
  bool modify(PerFile&, const Key& key, Change&& change) {
    const HashedKey hashed = hash(key);
    while (const EntryPointer entry = find(hashed)) {
      const std::lock_guard lock(entry->mutex);
      if (entry->removed) continue;  // between look-up and lock
      const std::size_t old_size = entry->block.data.size();
      change(entry->block);
      if (const std::size_t size = entry->block.data.size(); size != old_size) {
        accounting_.update(entry->node, size);
      } else {
        accounting_.mark(entry->node);
      }
      return true;
    }
    return false;
  }

  template <class Look>
  bool read(PerFile&, const Key& key, Look&& look) {
    const HashedKey hashed = hash(key);
    while (const EntryPointer entry = find(hashed)) {
      const std::shared_lock lock(entry->mutex);
      if (entry->removed) continue;  // between look-up and lock
      look(std::as_const(entry->block));
      accounting_.mark(entry->node);
      return true;
    }
    return false;
  }

  bool insert(PerFile&, const Key& key, Block block) {
    const EntryPointer made(std::make_unique<Entry>(std::move(block)));
    const HashedKey hashed = hash(key);
    Shard& shard = shard_of(hashed);
    const std::lock_guard lock(shard.mutex);
    if (!shard.entries.try_emplace(hashed, made).second) return false;
    accounting_.insert(made->node, key, made->block.data.size());
    return true;
  }

  bool remove(PerFile&, const Key& key) {
    return erase(key, [](Entry& entry) {
      entry.mutex.lock();
      return true;
    });
  }

  template <class Ask>
  bool remove_if(PerFile&, const Key& key, Ask&& ask) {
    return erase(key, [&ask](Entry& entry) {
      if (!entry.mutex.try_lock()) return false;
      if (ask(std::as_const(entry.block))) return true;
      entry.mutex.unlock();
      return false;
    });
  }

  std::vector<Key> keys_by_age() { return accounting_.keys_by_age(); }
  std::uint64_t bytes() const { return accounting_.bytes(); }

 private:
  using Accounting = AccountingStrategy::template Of<Key, std::mutex>;

  /// A key with its hash, which chooses the shard and is used again in its map.
  struct HashedKey {
    Key key;
    std::uint64_t hash;
    friend bool operator==(const HashedKey& a, const HashedKey& b) {
      return a.hash == b.hash && a.key == b.key;
    }
  };
  struct StoredHash {
    std::size_t operator()(const HashedKey& hashed) const noexcept { return hashed.hash; }
  };

  struct Entry {
    explicit Entry(Block new_block) : block(std::move(new_block)) {}
    std::atomic<std::uint32_t> owners{1};
    std::shared_mutex mutex;  // guards the block and `removed`
    bool removed = false;
    Block block;
    Accounting::Node node;
  };

  /// An owner of an entry. Unlike std::shared_ptr it calls nothing through a table of functions,
  /// and the last owner, which is rare, leaves the path of a write.
  class EntryPointer {
   public:
    EntryPointer() = default;
    explicit EntryPointer(std::unique_ptr<Entry> made) : entry_(made.release()) {}
    EntryPointer(const EntryPointer& other) : entry_(other.entry_) {
      // Relaxed: whoever copies holds an owner already.
      if (entry_ != nullptr) entry_->owners.fetch_add(1, std::memory_order_relaxed);
    }
    EntryPointer(EntryPointer&& other) noexcept : entry_(std::exchange(other.entry_, nullptr)) {}
    EntryPointer& operator=(EntryPointer other) noexcept {
      std::swap(entry_, other.entry_);
      return *this;
    }
    ~EntryPointer() {
      // Acquire and release: what every owner did happens before the end of the entry.
      if (entry_ != nullptr && entry_->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        destroy(entry_);
      }
    }

    explicit operator bool() const { return entry_ != nullptr; }
    Entry& operator*() const { return *entry_; }
    Entry* operator->() const { return entry_; }

   private:
    [[gnu::noinline, gnu::cold]] static void destroy(Entry* entry) { delete entry; }

    Entry* entry_ = nullptr;
  };

  struct alignas(64) Shard {
    std::shared_mutex mutex;  // guards the map
    std::unordered_map<HashedKey, EntryPointer, StoredHash> entries;
  };

  HashedKey hash(const Key& key) const { return {key, hasher_(key)}; }

  /// By the high bits, which every hash mixes well; the shard's map uses the others too.
  Shard& shard_of(const HashedKey& hashed) {
    return shards_[hashed.hash >> (64 - std::countr_zero(shard_count_))];
  }

  EntryPointer find(const HashedKey& hashed) {
    Shard& shard = shard_of(hashed);
    const std::shared_lock lock(shard.mutex);
    const auto found = shard.entries.find(hashed);
    return found == shard.entries.end() ? EntryPointer() : found->second;
  }

  /// Removes the key's entry if `lock_entry` returns with it locked.
  template <class LockEntry>
  bool erase(const Key& key, LockEntry&& lock_entry) {
    const HashedKey hashed = hash(key);
    Shard& shard = shard_of(hashed);
    EntryPointer entry;  // destroyed last, outside of the locks
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.entries.find(hashed);
    if (found == shard.entries.end() || !lock_entry(*found->second)) return false;
    entry = std::move(found->second);
    shard.entries.erase(found);
    entry->removed = true;
    accounting_.erase(entry->node);
    entry->mutex.unlock();
    return true;
  }

  // Lock order: shard, block, accounting. No two shards and no two blocks at a time.
  [[no_unique_address]] Hasher hasher_;
  Accounting accounting_;
  const std::size_t shard_count_ =
      std::bit_ceil(std::size_t{4} * std::max(1U, std::thread::hardware_concurrency()));
  const std::unique_ptr<Shard[]> shards_ = std::make_unique<Shard[]>(shard_count_);
  const WordName shards_name_{shards_.get(), shard_count_ * sizeof(Shard), "pool.shard",
                              WordPurpose::kLock};
};

}  // namespace vfsprof::vfs
