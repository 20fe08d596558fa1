#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "vfs/base/check.h"
#include "vfs/base/ids.h"
#include "vfs/file_locks.h"
#include "vfs/word_names.h"
#include "vfs/write_back_failures.h"

namespace vfsprof::vfs {

/// A regular file: what the engine keeps of it, and the parts that its pool and its metadata
/// strategy keep beside it.
template <class PoolPart, class MetadataPart>
struct FileRecord {
  explicit FileRecord(InodeId file) : inode(file) {}

  const InodeId inode;
  FileLocks locks;
  PoolPart blocks;
  MetadataPart metadata;
  WriteBackFailures failures;
};

/// The regular files by inode, and by open handle, which leads to its file without a look-up.
/// Threads: safe. A file stays as long as somebody holds it.
template <class File>
class FileTable {
 public:
  using Pointer = std::shared_ptr<File>;

  Pointer add(InodeId inode) {
    auto file = std::make_shared<File>(inode);
    Shard& shard = shard_of(inode);
    const std::lock_guard lock(shard.mutex);
    shard.files.insert_or_assign(inode.value, file);
    return file;
  }

  /// Null if there is no such file.
  Pointer find(InodeId inode) const {
    const Shard& shard = shard_of(inode);
    const std::shared_lock lock(shard.mutex);
    const auto found = shard.files.find(inode.value);
    return found == shard.files.end() ? nullptr : found->second;
  }

  void remove(InodeId inode) {
    Shard& shard = shard_of(inode);
    const std::lock_guard lock(shard.mutex);
    shard.files.erase(inode.value);
  }

  std::vector<Pointer> all() const {
    std::vector<Pointer> files;
    for (const Shard& shard : shards_) {
      const std::shared_lock lock(shard.mutex);
      for (const auto& [inode, file] : shard.files) files.push_back(file);
    }
    return files;
  }

  /// An open handle of the file, until `close`.
  HandleId open(Pointer file) {
    auto handle = std::make_unique<Handle>(std::move(file));
    handle->failures_told = handle->file->failures.count();
    const HandleId id{reinterpret_cast<std::uintptr_t>(handle.get())};
    const std::lock_guard lock(handles_mutex_);
    handles_.emplace(id.value, std::move(handle));
    return id;
  }
  void close(HandleId handle) {
    const std::lock_guard lock(handles_mutex_);
    handles_.erase(handle.value);
  }

  File& file_of(HandleId handle) const { return *handle_of(handle).file; }

  /// The file's latest failed write-back since the handle was opened or last asked.
  std::optional<Errno> take_failure(HandleId handle) {
    Handle& open = handle_of(handle);
    const std::lock_guard lock(open.mutex);
    return open.file->failures.take(open.failures_told);
  }

 private:
  struct Handle {
    explicit Handle(Pointer opened) : file(std::move(opened)) {}
    const Pointer file;
    std::mutex mutex;  // guards `failures_told`
    std::uint64_t failures_told = 0;
  };

  struct alignas(64) Shard {
    mutable std::shared_mutex mutex;
    std::unordered_map<std::uint64_t, Pointer> files;
  };
  static constexpr std::size_t kShards = 64;

  static Handle& handle_of(HandleId handle) {
    VFSPROF_CHECK(handle.value != 0);
    return *reinterpret_cast<Handle*>(handle.value);
  }

  Shard& shard_of(InodeId inode) { return shards_[inode.value % kShards]; }
  const Shard& shard_of(InodeId inode) const { return shards_[inode.value % kShards]; }

  std::array<Shard, kShards> shards_;
  const WordName shards_name_{shards_, "files.shard", WordPurpose::kLock};
  std::mutex handles_mutex_;  // guards the owners, not the handles
  const WordName handles_mutex_name_{handles_mutex_, "files.handles", WordPurpose::kLock};
  std::unordered_map<std::uint64_t, std::unique_ptr<Handle>> handles_;
};

}  // namespace vfsprof::vfs
