#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "vfs/engine.h"

namespace vfsprof::harness {

/// What the kernel would keep of a file in memory.
struct CachedFile {
  CachedFile(const vfs::Attributes& attributes, std::function<void(const CachedFile&)> on_end)
      : inode(attributes.inode),
        mode(attributes.mode),
        size_bytes(attributes.size),
        end(std::move(on_end)) {}
  ~CachedFile() { end(*this); }
  CachedFile(const CachedFile&) = delete;
  CachedFile& operator=(const CachedFile&) = delete;

  /// The file has at least as many bytes.
  void grow(std::uint64_t bytes) {
    std::uint64_t known = size_bytes.load();
    while (known < bytes && !size_bytes.compare_exchange_weak(known, bytes)) {
    }
  }

  const InodeId inode;
  std::atomic<mode_t> mode;
  std::atomic<std::uint64_t> size_bytes;
  std::atomic<bool> attributes_known = true;  ///< false: the next stat asks the file system
  std::atomic<std::uint64_t> lookups = 0;     ///< what a forget must take back
  std::mutex append;                          ///< held by a write to wherever the end is
  const std::function<void(const CachedFile&)> end;
};
using CachedFilePointer = std::shared_ptr<CachedFile>;

/// Names that are known, and those known to be absent: for calls in process what the kernel's cache
/// of directory entries is. By whole path, without a limit.
/// Threads: `find` under `mutex` held in either way, what changes names under it held exclusively.
/// The kernel has such a lock in each directory; this is one for all.
class NameCache {
 public:
  struct Entry {
    CachedFilePointer file;  ///< null: there is no such name
  };

  std::shared_mutex& mutex() { return mutex_; }

  const Entry* find(const std::string& path) const {
    const auto found = entries_.find(path);
    return found == entries_.end() ? nullptr : &found->second;
  }
  void set(const std::string& path, CachedFilePointer file) {
    entries_.insert_or_assign(path, Entry{std::move(file)});
  }
  /// The next use of the name asks the file system. Returns what it stood for: it may be the last
  /// reference, which must go after the lock does.
  CachedFilePointer drop(const std::string& path);
  /// What lies below a directory that is renamed is asked for again; returns it, as `drop`.
  std::vector<CachedFilePointer> drop_below(const std::string& directory);

  /// The file that an inode is known as under another name, or null.
  CachedFilePointer known(InodeId inode) const;
  void note(const CachedFilePointer& file) { files_[file->inode.value] = file; }

 private:
  std::shared_mutex mutex_;  // guards the two below
  std::unordered_map<std::string, Entry> entries_;
  std::unordered_map<std::uint64_t, std::weak_ptr<CachedFile>> files_;  ///< by inode
};

}  // namespace vfsprof::harness
