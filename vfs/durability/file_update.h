#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "vfs/base/ids.h"
#include "vfs/base/result.h"
#include "vfs/base/unique_fd.h"
#include "vfs/durability/cache_folder.h"

namespace vfsprof::vfs {

/// When a write to the cache must be on the disk.
enum class Durability {
  /// When `sync_file` or a durable write asks; survives the end of the daemon, not of the machine.
  kOnRequest,
  /// Before the call returns.
  kDurable,
};

/// A file of the cache on its way to new content, in one of two ways:
/// - a *replacement* is written under a temporary name and renamed by `commit`: the old or the new
///   file is there, never a mixture. Without `commit` the old one stays.
/// - a change *in place* writes into the file that stands. What is not written keeps its value.
///   Without `commit`, or after an error, some of it may be written.
///
/// So that a crash leaves no size that the file never had: write in the order of the offsets, and
/// nothing beyond the end of the file.
/// Threads: one at a time. The DiskCache must outlive it.
class FileUpdate {
 public:
  /// `temporaries_fd` is the directory of temporaries, `temporary` a name not yet used there.
  static Result<FileUpdate> replace(CacheFolder& folder, InodeId inode, int temporaries_fd,
                                    std::string temporary);
  /// Makes the file if there is none, and cuts what it holds beyond `kept_bytes`.
  /// Errors: EIO if it holds less.
  static Result<FileUpdate> change_in_place(CacheFolder& folder, InodeId inode,
                                            std::uint64_t kept_bytes);

  FileUpdate(FileUpdate&& other) noexcept;
  FileUpdate(const FileUpdate&) = delete;
  FileUpdate& operator=(const FileUpdate&) = delete;
  FileUpdate& operator=(FileUpdate&&) = delete;
  ~FileUpdate();

  bool in_place() const { return temporary_.empty(); }
  /// Length in bytes so far.
  Result<std::uint64_t> size() const;
  /// A descriptor of its own, for writing with open(2)'s `flags`. Who writes through it counts
  /// Counter::kBytesFlushed.
  Result<UniqueFd> open(int flags) const;
  /// Writes through the page cache.
  Result<void> write(std::uint64_t offset, std::span<const std::byte> bytes);
  /// Gives the file its final size (bytes) and makes it the content of the inode; called once,
  /// last.
  Result<void> commit(std::uint64_t size, Durability durability);

 private:
  FileUpdate(CacheFolder& folder, InodeId inode, UniqueFd fd, int temporaries_fd,
             std::string temporary);
  Result<void> set_size(std::uint64_t size);
  Result<void> publish(Durability durability);
  void end();

  CacheFolder* folder_;  // null once it has ended
  InodeId inode_;
  UniqueFd fd_;
  int temporaries_fd_;
  std::string temporary_;  // empty if in place
};

}  // namespace vfsprof::vfs
