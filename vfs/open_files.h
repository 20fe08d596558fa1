#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "vfs/base/ids.h"
#include "vfs/base/result.h"

namespace vfsprof::vfs {

/// The open handles, and which failed write-backs each of them has yet to hear of.
/// Source: the kernel's errseq_t (lib/errseq.c), with a number for each failure of a file.
/// Threads: safe.
class OpenFiles {
 public:
  HandleId open(InodeId inode) {
    const std::lock_guard lock(mutex_);
    const HandleId handle{++last_handle_};
    handles_[handle.value] = {.inode = inode, .failures_told = failures_of(inode).count};
    return handle;
  }

  void close(HandleId handle) {
    const std::lock_guard lock(mutex_);
    handles_.erase(handle.value);
  }

  /// A write-back of the file failed.
  void report(InodeId inode, Errno error) {
    const std::lock_guard lock(mutex_);
    Failures& failures = failures_[inode.value];
    ++failures.count;
    failures.latest = error;
  }

  /// The latest failure since the handle was opened or last asked; empty if there was none.
  std::optional<Errno> take_failure(HandleId handle) {
    const std::lock_guard lock(mutex_);
    const auto found = handles_.find(handle.value);
    if (found == handles_.end()) return {};
    const Failures failures = failures_of(found->second.inode);
    if (found->second.failures_told == failures.count) return {};
    found->second.failures_told = failures.count;
    return failures.latest;
  }

  void forget(InodeId inode) {
    const std::lock_guard lock(mutex_);
    failures_.erase(inode.value);
  }

 private:
  struct Handle {
    InodeId inode;
    std::uint64_t failures_told = 0;
  };
  struct Failures {
    std::uint64_t count = 0;
    Errno latest;
  };

  Failures failures_of(InodeId inode) const {
    const auto found = failures_.find(inode.value);
    return found == failures_.end() ? Failures{} : found->second;
  }

  std::mutex mutex_;  // guards all below
  std::uint64_t last_handle_ = 0;
  std::unordered_map<std::uint64_t, Handle> handles_;
  std::unordered_map<std::uint64_t, Failures> failures_;  ///< of files that had any
};

}  // namespace vfsprof::vfs
