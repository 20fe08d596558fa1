#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "vfs/accounting/lru_mutex.h"
#include "vfs/hash/fx.h"
#include "vfs/hash/hash.h"
#include "vfs/key/packed.h"
#include "vfs/pool/block.h"

namespace vfsprof::vfs {

/// The map from keys to blocks, with its locks.
///
/// | expression | type | meaning |
/// |---|---|---|
/// | `P::kName`, `P::kSummary` | string_view | its name on the command line, what it stands for |
/// | `P::Of<Key, Hasher, Accounting>` | | the pool; `Accounting` is the accounting strategy |
/// | `PerFile` | | what it keeps beside each file, default-constructible; given to every call |
/// | `modify(file, key, f)` | bool | `f(Block&)` while nobody else sees it; false: no block |
/// | `read(file, key, f)` | bool | `f(const Block&)` while nobody changes it; false: no block |
/// | `insert(file, key, block)` | bool | false, and nothing changed, if there is one |
/// | `remove(file, key)` | bool | waits for those who use the block; false if there is none |
/// | `remove_if(file, key, f)` | bool | removes it if nobody uses it and `f(const Block&)` |
/// | `keys_by_age()` | vector of Key | as the accounting's; a snapshot |
/// | `bytes()` | uint64_t | bytes of all blocks; takes no lock |
///
/// `file` is that of the key's inode; it outlives its blocks. `f` must not enter the pool. What one
/// `modify` did is seen whole or not at all.
/// Threads: safe.
template <class P>
concept Pool = requires(typename P::template Of<Packed, KeyHasher<Packed, Fx>, LruMutex>& pool,
                        P::template Of<Packed, KeyHasher<Packed, Fx>, LruMutex>::PerFile& file,
                        const Packed& key, Block block, void (*change)(Block&),
                        void (*look)(const Block&), bool (*ask)(const Block&)) {
  { P::kName } -> std::convertible_to<std::string_view>;
  { P::kSummary } -> std::convertible_to<std::string_view>;
  { pool.modify(file, key, change) } -> std::same_as<bool>;
  { pool.read(file, key, look) } -> std::same_as<bool>;
  { pool.insert(file, key, std::move(block)) } -> std::same_as<bool>;
  { pool.remove(file, key) } -> std::same_as<bool>;
  { pool.remove_if(file, key, ask) } -> std::same_as<bool>;
  { pool.keys_by_age() } -> std::same_as<std::vector<Packed>>;
  { pool.bytes() } -> std::same_as<std::uint64_t>;
};

}  // namespace vfsprof::vfs
