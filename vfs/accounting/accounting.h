#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>
#include <vector>

#include "vfs/key/key.h"
#include "vfs/key/packed.h"

namespace vfsprof::vfs {

/// The mutex of an accounting that is only entered under a lock of its pool's.
struct NullMutex {
  void lock() {}
  void unlock() {}
};

/// What a pool holds and in which order it may go. The pool keeps a `Node` beside each block and
/// tells what happens to it.
///
/// | expression | type | meaning |
/// |---|---|---|
/// | `A::kName`, `A::kSummary` | string_view | its name on the command line, what it stands for |
/// | `A::Of<Key, Mutex>` | | the accounting of a pool of such keys; guards itself with `Mutex` |
/// | `Node` | | its part of a block, default-constructible; stays where it is while it is in |
/// | `insert(node, key, bytes)` | | the block came in, used just now |
/// | `update(node, bytes)` | | the block was used just now and holds `bytes` |
/// | `mark(node)` | | the block was used just now; takes no lock |
/// | `erase(node)` | | the block goes |
/// | `keys_by_age()` | vector of Key | every key, the longest unused first |
/// | `bytes()` | uint64_t | the bytes of all blocks; takes no lock |
///
/// Threads: safe if `Mutex` is a mutex; calls for one node are serialised by the pool, `mark`
/// apart.
template <class A>
concept Accounting = requires(typename A::template Of<Packed, NullMutex>& accounting,
                              typename A::template Of<Packed, NullMutex>::Node& node, Packed key,
                              std::uint64_t bytes) {
  { A::kName } -> std::convertible_to<std::string_view>;
  { A::kSummary } -> std::convertible_to<std::string_view>;
  accounting.insert(node, key, bytes);
  accounting.update(node, bytes);
  accounting.mark(node);
  accounting.erase(node);
  { accounting.keys_by_age() } -> std::same_as<std::vector<Packed>>;
  { accounting.bytes() } -> std::same_as<std::uint64_t>;
};

}  // namespace vfsprof::vfs
