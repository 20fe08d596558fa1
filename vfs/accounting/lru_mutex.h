#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "vfs/word_names.h"

namespace vfsprof::vfs {

/// One list in order of use and one sum of bytes, under one mutex.
/// Cost: a lock and six pointer writes for each insert and each growth. Uses that change no size
/// only set a bit where the pool does not lock; the bit moves its block to the young end when the
/// list is next read. Source: the LRU list of the system in the analysis document.
struct LruMutex {
  static constexpr std::string_view kName = "lru_mutex";
  static constexpr std::string_view kSummary =
      "one LRU list and byte count under a mutex, as found";

  template <class Key, class Mutex>
  class Of;
};

template <class Key, class Mutex>
class LruMutex::Of {
 public:
  class Node {
   public:
    Node() = default;
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

   private:
    friend class Of;
    std::optional<Key> key_;
    std::uint64_t bytes_ = 0;
    Node* older_ = nullptr;
    Node* younger_ = nullptr;
    std::atomic<bool> marked_{false};
  };

  void insert(Node& node, const Key& key, std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    node.key_ = key;
    ++size_;
    resize(node, bytes);
    push_young(node);
  }

  void update(Node& node, std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    resize(node, bytes);
    unlink(node);
    push_young(node);
  }

  void mark(Node& node) {
    // Relaxed: a hint. Read first, so that a block in steady use stays shared in the caches.
    if (!node.marked_.load(std::memory_order_relaxed)) {
      node.marked_.store(true, std::memory_order_relaxed);
    }
  }

  void erase(Node& node) {
    const std::lock_guard lock(mutex_);
    resize(node, 0);
    unlink(node);
    --size_;
  }

  std::vector<Key> keys_by_age() {
    const std::lock_guard lock(mutex_);
    std::vector<Key> keys;
    keys.reserve(size_);
    Node* const youngest = youngest_;
    Node* node = oldest_;
    for (bool last = node == nullptr; !last;) {
      last = node == youngest;
      Node* const next = node->younger_;
      if (node->marked_.exchange(false, std::memory_order_relaxed)) {
        unlink(*node);
        push_young(*node);
      }
      node = next;
    }
    for (node = oldest_; node != nullptr; node = node->younger_) keys.push_back(*node->key_);
    return keys;
  }

  /// Relaxed: a budget compared with it holds to within the operations under way.
  std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  void resize(Node& node, std::uint64_t bytes) {
    bytes_.store(bytes_.load(std::memory_order_relaxed) + bytes - node.bytes_,
                 std::memory_order_relaxed);
    node.bytes_ = bytes;
  }

  void unlink(Node& node) {
    (node.older_ != nullptr ? node.older_->younger_ : oldest_) = node.younger_;
    (node.younger_ != nullptr ? node.younger_->older_ : youngest_) = node.older_;
  }

  void push_young(Node& node) {
    node.older_ = youngest_;
    node.younger_ = nullptr;
    (youngest_ != nullptr ? youngest_->younger_ : oldest_) = &node;
    youngest_ = &node;
  }

  [[no_unique_address]] Mutex mutex_;  // guards all below; taken last of all locks
  const WordName mutex_name_{mutex_, "accounting.mutex", WordPurpose::kLock};
  Node* oldest_ = nullptr;
  Node* youngest_ = nullptr;
  std::size_t size_ = 0;
  std::atomic<std::uint64_t> bytes_{0};  // written under the mutex, read without
};

}  // namespace vfsprof::vfs
