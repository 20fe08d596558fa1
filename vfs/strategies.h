#pragma once

#include <array>
#include <cstdint>

#include "vfs/accounting/accounting.h"
#include "vfs/accounting/clock.h"
#include "vfs/accounting/lru_mutex.h"
#include "vfs/base/type_list.h"
#include "vfs/copy/adopt.h"
#include "vfs/copy/copy.h"
#include "vfs/copy/direct.h"
#include "vfs/copy/double.h"
#include "vfs/copy/triple.h"
#include "vfs/executor/block_on.h"
#include "vfs/executor/executor.h"
#include "vfs/executor/local.h"
#include "vfs/executor/spin.h"
#include "vfs/executor/sync.h"
#include "vfs/flush/batched.h"
#include "vfs/flush/flush.h"
#include "vfs/flush/per_chunk.h"
#include "vfs/flush/uring.h"
#include "vfs/flush/whole_file.h"
#include "vfs/hash/aes.h"
#include "vfs/hash/crc32c.h"
#include "vfs/hash/fx.h"
#include "vfs/hash/hash.h"
#include "vfs/hash/sip13.h"
#include "vfs/hash/std.h"
#include "vfs/hash/wyhash.h"
#include "vfs/hash/xxh3.h"
#include "vfs/key/key.h"
#include "vfs/key/packed.h"
#include "vfs/key/wide.h"
#include "vfs/memory/arena.h"
#include "vfs/memory/heap.h"
#include "vfs/memory/memory.h"
#include "vfs/metadata/global.h"
#include "vfs/metadata/metadata.h"
#include "vfs/metadata/per_inode.h"
#include "vfs/pool/chunk_array.h"
#include "vfs/pool/mutex.h"
#include "vfs/pool/pool.h"
#include "vfs/pool/rwlock.h"
#include "vfs/pool/sharded.h"
#include "vfs/pool/tbb.h"
#include "vfs/variant.h"

namespace vfsprof::vfs {

namespace detail {

// Lists that take only what meets the concept of the axis: a value that does not is an error that
// says what it lacks.
template <Pool... Ts>
using Pools = TypeList<Ts...>;
template <Hash... Ts>
using Hashes = TypeList<Ts...>;
template <Key... Ts>
using Keys = TypeList<Ts...>;
template <Copy... Ts>
using Copies = TypeList<Ts...>;
template <Executor... Ts>
using Executors = TypeList<Ts...>;
template <Flush... Ts>
using Flushes = TypeList<Ts...>;
template <Memory... Ts>
using Memories = TypeList<Ts...>;
template <Metadata... Ts>
using Metadatas = TypeList<Ts...>;
template <Accounting... Ts>
using Accountings = TypeList<Ts...>;

}  // namespace detail

// THE list: every axis and its values. A new value is one file in the folder of its axis and one
// entry here.

using PoolList = detail::Pools<ShardedPool, MutexPool, RwLockPool, TbbPool, ChunkArrayPool>;
using HashList = detail::Hashes<Fx, Sip13, Xxh3, Wyhash, Crc32c, Aes, Std>;
using KeyList = detail::Keys<Packed, Wide>;
using CopyList = detail::Copies<Direct, Double, Triple, Adopt>;
using ExecutorList = detail::Executors<Sync, BlockOn, Local, Spin>;
using FlushList = detail::Flushes<Batched, PerChunk, WholeFile, Uring>;
using MemoryList = detail::Memories<Arena, Heap>;
using MetadataList = detail::Metadatas<PerInode, Global>;
using AccountingList = detail::Accountings<Clock, LruMutex>;

namespace detail {

template <class... Ts>
constexpr std::array<ValueInfo, sizeof...(Ts)> describe_values(TypeList<Ts...>) {
  return {ValueInfo{Ts::kName, Ts::kSummary}...};
}

template <class List>
inline constexpr auto kValuesOf = describe_values(List{});

}  // namespace detail

/// By Axis.
inline constexpr std::array<AxisInfo, kAxisCount> kAxes{{
    {"pool", "the map of cached blocks and its locks", detail::kValuesOf<PoolList>},
    {"hash", "the hash of a block's key", detail::kValuesOf<HashList>},
    {"key", "the key of a block", detail::kValuesOf<KeyList>},
    {"copy", "how a payload gets into its block", detail::kValuesOf<CopyList>},
    {"executor", "which thread runs a write", detail::kValuesOf<ExecutorList>},
    {"flush", "how dirty files get to the disk cache", detail::kValuesOf<FlushList>},
    {"memory", "where the memory of blocks comes from", detail::kValuesOf<MemoryList>},
    {"metadata", "where sizes, times and dirty state are kept", detail::kValuesOf<MetadataList>},
    {"accounting", "what is in use and what may go", detail::kValuesOf<AccountingList>},
}};

namespace detail {

constexpr Variant with(Variant variant, Axis axis, std::string_view value) {
  variant.values[static_cast<std::size_t>(axis)] = value;
  return variant;
}

inline constexpr Variant kMutexPoolVariant{
    .values = {MutexPool::kName, Sip13::kName, Wide::kName, Triple::kName, BlockOn::kName,
               WholeFile::kName, Heap::kName, Global::kName, LruMutex::kName},
    .options = {.max_write = 4 << 10, .chunk = std::uint64_t{256} << 20, .threads = 1}};
inline constexpr Variant kShardedPoolVariant =
    with(kMutexPoolVariant, Axis::kPool, ShardedPool::kName);
inline constexpr Variant kSyncPathVariant =
    with(with(kShardedPoolVariant, Axis::kCopy, Direct::kName), Axis::kExecutor, Sync::kName);
inline constexpr Variant kDefaultVariant{
    .values = {kAxes[0].values.front().name, kAxes[1].values.front().name,
               kAxes[2].values.front().name, kAxes[3].values.front().name,
               kAxes[4].values.front().name, kAxes[5].values.front().name,
               kAxes[6].values.front().name, kAxes[7].values.front().name,
               kAxes[8].values.front().name},
    .options = {.max_write = 1 << 20, .chunk = 1 << 20, .threads = 0}};
inline constexpr Variant kBestVariant =
    with(with(kDefaultVariant, Axis::kPool, ChunkArrayPool::kName), Axis::kCopy, Adopt::kName);
inline constexpr Variant kNullVariant{.values = {},
                                      .options = {.max_write = 1 << 20, .threads = 1}};

}  // namespace detail

/// The named variants, first the one that is meant where no name is given. 0 threads: as many as
/// there are CPUs.
inline constexpr std::array kNamedVariants{
    NamedVariant{"default", "the first value of every axis, a session thread for each CPU",
                 detail::kDefaultVariant},
    NamedVariant{"best", "the fastest that scripts/bench has measured", detail::kBestVariant},
    NamedVariant{"mutex-pool",
                 "as found in version 2: one mutex, three copies, every write handed over",
                 detail::kMutexPoolVariant},
    NamedVariant{"sharded-pool", "as found in version 3: mutex-pool with pool=sharded",
                 detail::kShardedPoolVariant},
    NamedVariant{
        "sync-path",
        "the analysis document's two main fixes: sharded-pool with copy=direct, executor=sync",
        detail::kSyncPathVariant},
    NamedVariant{"null", "the floor: only replies, keeps no contents; takes mount options",
                 detail::kNullVariant},
};

}  // namespace vfsprof::vfs
