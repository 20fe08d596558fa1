#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "vfs/base/spin_lock.h"
#include "vfs/pool/block.h"

namespace vfsprof::vfs {

/// No map at all: each file has a tree of its chunks, reached from its open handle, and each chunk
/// a place and a spin lock of its own. Cost: two loads for a file of up to 256 chunks, five beyond,
/// and one spin lock; no key is hashed. Writers of different chunks share nothing. Readers of one
/// chunk go one after the other. A chunk that was cached once keeps its place, about 100 bytes,
/// until the file goes. Source: the page tree of a kernel inode (a radix tree, lib/radix-tree.c),
/// with fixed height.
struct ChunkArrayPool {
  static constexpr std::string_view kName = "chunk_array";
  static constexpr std::string_view kSummary =
      "no map: an array of chunks per file, reached from its handle, a spin lock per chunk";

  template <class Key, class Hasher, class AccountingStrategy>
  class Of;
};

template <class Key, class Hasher, class AccountingStrategy>
class ChunkArrayPool::Of {
  using Accounting = AccountingStrategy::template Of<Key, std::mutex>;

  /// The place of a chunk.
  struct Entry {
    SpinLock lock;         // guards the block and `present`
    bool present = false;  // there is a block
    Block block;
    Accounting::Node node;
  };

  /// Children that are made when they are first asked for, and live as long as their parent.
  template <class Child, std::size_t kChildren>
  class Node {
   public:
    Node() = default;
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;
    ~Node() {
      for (auto& child : children_) delete child.load(std::memory_order_relaxed);
    }

    /// Null if it was not made yet.
    Child* find(std::size_t index) const {
      // Acquire pairs with the release in `make`: who sees the pointer sees the child.
      return children_[index].load(std::memory_order_acquire);
    }
    Child& make(std::size_t index) {
      if (Child* const found = find(index)) return *found;
      auto made = std::make_unique<Child>();
      Child* expected = nullptr;
      // Another thread may have made it meanwhile: then ours goes.
      if (children_[index].compare_exchange_strong(expected, made.get(),
                                                   std::memory_order_acq_rel)) {
        return *made.release();
      }
      return *expected;
    }

   private:
    std::array<std::atomic<Child*>, kChildren> children_{};
  };

  static constexpr unsigned kBits = 8;
  static constexpr std::size_t kFanOut = std::size_t{1} << kBits;
  using Leaf = Node<Entry, kFanOut>;
  using Tree = Node<Node<Node<Leaf, kFanOut>, kFanOut>, kFanOut>;

  /// The child of a level of the tree, counted from the leaves.
  static constexpr std::size_t child(std::uint32_t chunk, unsigned level) {
    return chunk >> level * kBits & (kFanOut - 1);
  }

 public:
  /// The chunks of a file. Threads: safe.
  class PerFile {
    friend class Of;

    Entry* find(std::uint32_t chunk) const {
      const Leaf* const leaf = chunk < kFanOut ? first_.find(0) : find_leaf(chunk);
      return leaf == nullptr ? nullptr : leaf->find(child(chunk, 0));
    }
    const Leaf* find_leaf(std::uint32_t chunk) const {
      const Tree* const tree = rest_.find(0);
      const auto* const upper = tree == nullptr ? nullptr : tree->find(child(chunk, 3));
      const auto* const lower = upper == nullptr ? nullptr : upper->find(child(chunk, 2));
      return lower == nullptr ? nullptr : lower->find(child(chunk, 1));
    }
    Entry& make(std::uint32_t chunk) {
      Leaf& leaf =
          chunk < kFanOut
              ? first_.make(0)
              : rest_.make(0).make(child(chunk, 3)).make(child(chunk, 2)).make(child(chunk, 1));
      return leaf.make(child(chunk, 0));
    }

    Node<Leaf, 1> first_;  // chunks below kFanOut, as most files have no others
    Node<Tree, 1> rest_;
  };

  template <class Change>
  bool modify(PerFile& file, const Key& key, Change&& change) {
    Entry* const entry = file.find(key.chunk().value);
    if (entry == nullptr) return false;
    const std::lock_guard lock(entry->lock);
    if (!entry->present) return false;
    const std::size_t old_size = entry->block.data.size();
    change(entry->block);
    if (const std::size_t size = entry->block.data.size(); size != old_size) {
      accounting_.update(entry->node, size);
    } else {
      accounting_.mark(entry->node);
    }
    return true;
  }

  template <class Look>
  bool read(PerFile& file, const Key& key, Look&& look) {
    Entry* const entry = file.find(key.chunk().value);
    if (entry == nullptr) return false;
    const std::lock_guard lock(entry->lock);
    if (!entry->present) return false;
    look(std::as_const(entry->block));
    accounting_.mark(entry->node);
    return true;
  }

  bool insert(PerFile& file, const Key& key, Block block) {
    Entry& entry = file.make(key.chunk().value);
    const std::lock_guard lock(entry.lock);
    if (entry.present) return false;
    entry.block = std::move(block);
    entry.present = true;
    accounting_.insert(entry.node, key, entry.block.data.size());
    return true;
  }

  bool remove(PerFile& file, const Key& key) {
    return remove_if(file, key, [](const Block&) { return true; });
  }

  template <class Ask>
  bool remove_if(PerFile& file, const Key& key, Ask&& ask) {
    Entry* const entry = file.find(key.chunk().value);
    if (entry == nullptr) return false;
    Block removed;  // its memory is given back outside of the lock
    const std::lock_guard lock(entry->lock);
    if (!entry->present || !ask(std::as_const(entry->block))) return false;
    accounting_.erase(entry->node);
    removed = std::exchange(entry->block, {});
    entry->present = false;
    return true;
  }

  std::vector<Key> keys_by_age() { return accounting_.keys_by_age(); }
  std::uint64_t bytes() const { return accounting_.bytes(); }

 private:
  // Lock order: chunk, accounting. No two chunks at a time.
  Accounting accounting_;
};

}  // namespace vfsprof::vfs
