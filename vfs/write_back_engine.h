#pragma once

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "vfs/cached_contents.h"
#include "vfs/durability/disk_cache.h"
#include "vfs/durability/durable_tree.h"
#include "vfs/engine.h"
#include "vfs/engine_setup.h"
#include "vfs/hash/hash.h"

namespace vfsprof::vfs {

/// The engine: names in a DurableTree, contents in CachedContents. A template over what runs on
/// every write, so that no virtual call and no branch on a strategy's value is left inside an
/// operation.
///
/// A file's access time changes only when it is set: reading marks nothing, as with the mount
/// option noatime.
template <class PoolStrategy, class HashStrategy, class Key, class Copy, class Metadata,
          class Accounting>
class WriteBackEngine final : public Engine {
 public:
  /// Recovers what the cache directory holds. Errors: CacheDirectoryError.
  explicit WriteBackEngine(EngineSetup setup)
      : setup_(std::move(setup)),
        cache_(setup_.options.cache_directory, setup_.options.on_fault),
        contents_(setup_, {cache_, *setup_.options.store, tree_}),
        tree_(cache_, contents_) {
    recover();
  }

  // Names.
  Result<Attributes> lookup(EntryName entry) override { return completed(names().lookup(entry)); }
  void forget(InodeId inode, std::uint64_t lookups) override { names().forget(inode, lookups); }
  Result<Attributes> create_node(EntryName entry, NewNode node, Caller caller) override {
    return completed(names().create_node(entry, node, caller, [this](const Attributes& made) {
      if (!S_ISREG(made.mode)) return;
      contents_.add(made.inode, {.extent = {}, .modified = made.changed});
    }));
  }
  Result<Attributes> create_symlink(EntryName entry, std::string_view target,
                                    Caller caller) override {
    return names().create_symlink(entry, target, caller);
  }
  Result<Attributes> link(InodeId inode, EntryName entry) override {
    return completed(tree_.link(inode, entry));
  }
  Result<void> unlink(EntryName entry) override { return tree_.unlink(entry); }
  Result<void> remove_directory(EntryName entry) override { return tree_.remove_directory(entry); }
  Result<void> rename(EntryName from, EntryName to, RenameFlags flags) override {
    return tree_.rename(from, to, flags);
  }
  Result<std::string> read_symlink(InodeId inode) override { return names().read_symlink(inode); }
  Result<void> read_directory(InodeId directory, std::uint64_t cookie,
                              const DirectoryVisitor& visit) override {
    return names().read_directory(directory, cookie, visit);
  }

  // Attributes.
  Result<Attributes> attributes(InodeId inode) override {
    return completed(names().attributes(inode));
  }
  Result<Attributes> set_attributes(InodeId inode, const AttributeChange& change) override;
  FileSystemUsage usage() override;

  // Open files.
  Result<HandleId> open(InodeId inode, int flags) override;
  Result<Created> create(EntryName entry, NewNode node, int flags, Caller caller) override;
  bool close_waits() const override { return !contents_.writes_behind(); }
  Result<void> flush(InodeId inode, HandleId) override { return contents_.closed(inode); }
  Result<void> release(InodeId inode, HandleId handle) override;
  Result<void> sync(InodeId inode, HandleId handle, SyncScope scope) override;
  Result<void> sync_directory(InodeId directory) override {
    return tree_.sync_directory(directory);
  }

  // Data.
  StagedPayload stage(const Payload& payload) override { return Copy::stage(payload); }
  Result<std::size_t> write_staged(const WriteRequest& request,
                                   const StagedPayload& staged) override {
    return contents_.write(request, staged.payload);
  }
  Result<std::size_t> write(const WriteRequest& request) override {
    const StagedPayload staged = Copy::stage(request.payload);
    return contents_.write(request, staged.payload);
  }
  std::optional<Result<std::size_t>> try_write(const WriteRequest& request) override {
    const StagedPayload staged = Copy::stage(request.payload);
    return contents_.try_write(request, staged.payload);
  }
  std::unique_ptr<PayloadPages> payload_pages(std::size_t max_bytes) override {
    if constexpr (Copy::kKeepsPages) {
      return std::make_unique<PayloadPages>(*setup_.memory, max_bytes);
    } else {
      return nullptr;
    }
  }
  Result<std::size_t> read(InodeId inode, HandleId handle, FileRange range,
                           std::span<std::byte> out) override {
    return contents_.read(inode, handle, range, out);
  }
  std::optional<Result<std::size_t>> try_read(InodeId inode, HandleId handle, FileRange range,
                                              std::span<std::byte> out) override {
    return contents_.try_read(inode, handle, range, out);
  }
  Result<void> write_back_all() override {
    const auto written = contents_.write_back_all();
    const auto saved = tree_.save_all();
    return written ? saved : written;
  }

 private:
  using Pool = PoolStrategy::template Of<Key, KeyHasher<Key, HashStrategy>, Accounting>;

  Namespace& names() { return tree_.names(); }
  void recover();

  /// With what the metadata strategy knows of a regular file.
  Result<Attributes> completed(Result<Attributes> attributes) {
    if (attributes) contents_.complete(*attributes);
    return attributes;
  }

  // In this order: the tree calls the contents until it is destroyed, and both use the cache.
  const EngineSetup setup_;
  DiskCache cache_;
  CachedContents<Pool, Key, Copy, Metadata> contents_;
  DurableTree tree_;
};

template <class PoolStrategy, class HashStrategy, class Key, class Copy, class Metadata,
          class Accounting>
void WriteBackEngine<PoolStrategy, HashStrategy, Key, Copy, Metadata, Accounting>::recover() {
  const Result<DurableTree::Recovery> recovery = tree_.recover(*setup_.options.store);
  if (!recovery) {
    throw CacheDirectoryError(
        fmt::format("cannot recover the files in {} or list the object store: {}",
                    setup_.options.cache_directory.string(), describe(recovery.error())));
  }
  for (const DurableTree::FoundFile& file : recovery->files) {
    const Backing backing = file.cached ? Backing::kCache : Backing::kStore;
    const Extent extent{.size = file.size, .backing = backing, .backing_bytes = file.size};
    contents_.add(file.inode, {.extent = extent, .modified = file.modified});
  }
  if (!setup_.options.on_fault) return;
  for (const std::string& fault : recovery->faults) setup_.options.on_fault(fault);
}

template <class PoolStrategy, class HashStrategy, class Key, class Copy, class Metadata,
          class Accounting>
Result<Attributes> WriteBackEngine<PoolStrategy, HashStrategy, Key, Copy, Metadata,
                                   Accounting>::set_attributes(InodeId inode,
                                                               const AttributeChange& change) {
  if (change.size) {
    if (const auto resized = contents_.resize(inode, *change.size); !resized) {
      return Failure(resized.error());
    }
  }
  const Result<Attributes> changed = names().set_attributes(inode, change);
  if (changed && change.modified) contents_.set_modified(inode, *change.modified);
  return completed(changed);
}

template <class PoolStrategy, class HashStrategy, class Key, class Copy, class Metadata,
          class Accounting>
FileSystemUsage
WriteBackEngine<PoolStrategy, HashStrategy, Key, Copy, Metadata, Accounting>::usage() {
  const DiskCache::Space space = cache_.space().value_or(DiskCache::Space{});
  return {.capacity_bytes = space.capacity_bytes,
          .used_bytes = space.capacity_bytes - space.available_bytes,
          .inodes = names().inode_count()};
}

template <class PoolStrategy, class HashStrategy, class Key, class Copy, class Metadata,
          class Accounting>
Result<HandleId> WriteBackEngine<PoolStrategy, HashStrategy, Key, Copy, Metadata, Accounting>::open(
    InodeId inode, int flags) {
  if (const auto opened = names().add_open(inode); !opened) return Failure(opened.error());
  if ((flags & O_TRUNC) != 0) {
    if (const auto cut = contents_.resize(inode, 0); !cut) {
      names().drop_open(inode);
      return Failure(cut.error());
    }
  }
  const Result<HandleId> handle = contents_.open(inode);
  if (!handle) names().drop_open(inode);
  return handle;
}

template <class PoolStrategy, class HashStrategy, class Key, class Copy, class Metadata,
          class Accounting>
Result<Engine::Created> WriteBackEngine<PoolStrategy, HashStrategy, Key, Copy, Metadata,
                                        Accounting>::create(EntryName entry, NewNode node,
                                                            int flags, Caller caller) {
  const Result<Attributes> attributes = create_node(entry, node, caller);
  if (!attributes) return Failure(attributes.error());
  // The file is new and empty: there is nothing that O_TRUNC could cut.
  const Result<HandleId> handle = open(attributes->inode, flags & ~O_TRUNC);
  if (!handle) {
    names().forget(attributes->inode, 1);
    return Failure(handle.error());
  }
  return Created{.attributes = *attributes, .handle = *handle};
}

template <class PoolStrategy, class HashStrategy, class Key, class Copy, class Metadata,
          class Accounting>
Result<void> WriteBackEngine<PoolStrategy, HashStrategy, Key, Copy, Metadata, Accounting>::release(
    InodeId inode, HandleId handle) {
  const auto written = contents_.closed(inode);
  contents_.close(handle);
  names().drop_open(inode);
  return written;
}

template <class PoolStrategy, class HashStrategy, class Key, class Copy, class Metadata,
          class Accounting>
Result<void> WriteBackEngine<PoolStrategy, HashStrategy, Key, Copy, Metadata, Accounting>::sync(
    InodeId inode, HandleId handle, SyncScope scope) {
  const auto written = contents_.write_back(inode, Durability::kDurable);
  const auto synced = written ? tree_.sync(inode, scope) : written;
  // Takes what this sync just reported too, so that it is told once.
  if (const auto failure = contents_.take_failure(handle)) return Failure(*failure);
  return synced;
}

}  // namespace vfsprof::vfs
