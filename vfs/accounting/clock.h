#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "vfs/word_names.h"

namespace vfsprof::vfs {

/// A ring of blocks with a reference bit each, and an atomic sum of bytes. What was not used since
/// the ring was last read goes first. Cost: a use is one load, or one store if the bit was clear; a
/// growth is one atomic addition; only blocks that come or go take the mutex.
/// Source: the second-chance (CLOCK) algorithm of Corbato, "A Paging Experiment with the Multics
/// System" (1968).
struct Clock {
  static constexpr std::string_view kName = "clock";
  static constexpr std::string_view kSummary =
      "atomic reference bits in a ring, an atomic count of bytes";

  template <class Key, class Mutex>
  class Of;
};

/// Guards the ring by a mutex of its own, as no pool needs to hold one of its locks for it.
template <class Key, class Mutex>
class Clock::Of {
 public:
  class Node {
   public:
    Node() = default;
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

   private:
    friend class Of;
    std::optional<Key> key_;
    std::size_t place_ = 0;    ///< in the ring
    std::uint64_t bytes_ = 0;  ///< written by whoever may change the block
    std::atomic<bool> used_{false};
  };

  void insert(Node& node, const Key& key, std::uint64_t bytes) {
    node.key_ = key;
    resize(node, bytes);
    mark(node);
    const std::lock_guard lock(mutex_);
    node.place_ = ring_.size();
    ring_.push_back(&node);
  }

  void update(Node& node, std::uint64_t bytes) {
    if (bytes != node.bytes_) resize(node, bytes);
    mark(node);
  }

  void mark(Node& node) {
    // Relaxed: a hint. Read first, so that a block in steady use stays shared in the caches.
    if (!node.used_.load(std::memory_order_relaxed)) {
      node.used_.store(true, std::memory_order_relaxed);
    }
  }

  void erase(Node& node) {
    resize(node, 0);
    const std::lock_guard lock(mutex_);
    Node* const last = ring_.back();
    ring_[node.place_] = last;
    last->place_ = node.place_;
    ring_.pop_back();
  }

  /// Unused ones first; clears the bits of the others.
  std::vector<Key> keys_by_age() {
    const std::lock_guard lock(mutex_);
    std::vector<Key> keys;
    std::vector<Key> used;
    keys.reserve(ring_.size());
    for (std::size_t step = 0; step < ring_.size(); ++step) {
      Node& node = *ring_[(hand_ + step) % ring_.size()];
      (node.used_.exchange(false, std::memory_order_relaxed) ? used : keys).push_back(*node.key_);
    }
    // The next reading begins behind what this one is likely to evict.
    if (!ring_.empty()) hand_ = (hand_ + keys.size()) % ring_.size();
    keys.insert(keys.end(), used.begin(), used.end());
    return keys;
  }

  /// Relaxed: a budget compared with it holds to within the operations under way.
  std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  void resize(Node& node, std::uint64_t bytes) {
    bytes_.fetch_add(bytes - node.bytes_, std::memory_order_relaxed);
    node.bytes_ = bytes;
  }

  std::mutex mutex_;  // guards the two below; taken last of all locks
  const WordName mutex_name_{mutex_, "accounting.mutex", WordPurpose::kLock};
  std::vector<Node*> ring_;
  std::size_t hand_ = 0;
  std::atomic<std::uint64_t> bytes_{0};
};

}  // namespace vfsprof::vfs
