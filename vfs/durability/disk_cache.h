#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "vfs/base/ids.h"
#include "vfs/base/result.h"
#include "vfs/base/unique_fd.h"
#include "vfs/durability/cache_folder.h"
#include "vfs/durability/file_update.h"
#include "vfs/namespace/inode_record.h"

namespace vfsprof::vfs {

/// The cache directory cannot be used. The message names it, says what is wrong and what to do.
class CacheDirectoryError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Files and inode records in a directory of the local disk: what the file system keeps across
/// restarts.
///
/// A content is written whole under a temporary name and renamed (`write_file`, `replace_file`), or
/// changed in place (`change_file`). By a rename, what was durable once is replaced only by what
/// has been synced first: an old or a new version survives a power loss too. README.md states the
/// promise in full.
///
/// Errors: all I/O errors as they come (ENOSPC, EDQUOT, EIO, EFBIG); after one the previous content
/// stands, but for a change in place. Threads: every member is safe. Of two writes of one file the
/// one that ends last stays; callers order them.
class DiskCache {
 public:
  /// Opens `directory`, which must exist, and locks it against other daemons until destruction.
  /// Errors: CacheDirectoryError if it is missing, no directory, not writable or in use.
  /// `on_fault` is told, a sentence each, what the directory cannot do later on; from any thread.
  explicit DiskCache(const std::filesystem::path& directory,
                     std::function<void(const std::string&)> on_fault = {});
  ~DiskCache();
  DiskCache(const DiskCache&) = delete;
  DiskCache& operator=(const DiskCache&) = delete;

  /// Replaces the whole content of a file.
  Result<void> write_file(InodeId inode, std::span<const std::byte> content, Durability durability);
  /// Begins a replacement of the whole content, to be written piece by piece.
  Result<FileUpdate> replace_file(InodeId inode);
  /// Begins a change in place, of a new file if there is none; what the file holds beyond
  /// `kept_bytes` is cut off first. While a failed sync of the file stands, it begins a replacement
  /// instead: ask `FileUpdate::in_place`. Errors: EIO if the file holds less than `kept_bytes`.
  Result<FileUpdate> change_file(InodeId inode, std::uint64_t kept_bytes);
  /// A file had to be written through the page cache, because direct I/O was refused with `reason`.
  /// Counts it, and tells `on_fault` the first time.
  void direct_io_refused(Errno reason);
  /// Reads from `offset` (bytes) on; returns how many bytes there were. Errors: ENOENT if it was
  /// never written.
  Result<std::size_t> read(InodeId inode, std::uint64_t offset, std::span<std::byte> out) const;
  /// Length in bytes; empty if it was never written.
  Result<std::optional<std::uint64_t>> file_size(InodeId inode) const;
  /// Puts the last written content on the disk. Success if the file was never written.
  Result<void> sync_file(InodeId inode);
  /// Removes the content of a file; success if there is none.
  Result<void> remove_file(InodeId inode);

  // Records: one small JSON file for each inode, written in the same way. Used by DurableTree.
  Result<void> write_record(const InodeRecord& record, Durability durability);
  Result<void> remove_record(InodeId inode);
  /// Puts the presence and absence of all records on the disk.
  Result<void> sync_records();
  /// Puts everything on the disk (syncfs).
  Result<void> sync_all();

  /// What an earlier daemon left.
  struct Contents {
    std::vector<InodeRecord> records;
    std::vector<InodeId> unreadable_records;  ///< their files and data are left alone
    std::vector<InodeId> files;               ///< those that have content
    std::vector<std::string> faults;  ///< one sentence for each thing that could not be used
    std::size_t temporaries_removed = 0;
  };
  /// Reads all records and removes orphaned temporaries; called once, before the first write. What
  /// cannot be read is a fault, not an error. Errors: a folder of the cache cannot be read.
  Result<Contents> load();

  struct Space {
    std::uint64_t capacity_bytes = 0;
    std::uint64_t available_bytes = 0;  ///< to an ordinary user
  };
  Result<Space> space() const;

 private:
  Result<FileUpdate> replace(CacheFolder& folder, InodeId inode);
  Result<void> write_whole(CacheFolder& folder, InodeId inode, std::span<const std::byte> content,
                           Durability durability);
  void load_record(InodeId inode, Contents& contents);

  const std::filesystem::path directory_;
  const std::function<void(const std::string&)> on_fault_;
  UniqueFd directory_fd_;
  UniqueFd lock_fd_;
  CacheFolder files_;
  CacheFolder records_;
  UniqueFd temporaries_fd_;
  std::atomic<std::uint64_t> next_temporary_{0};
  std::atomic<bool> told_of_direct_io_{false};
};

}  // namespace vfsprof::vfs
