#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <new>
#include <span>
#include <string>

#include "harness/inproc/name_cache.h"
#include "harness/inproc/setup.h"
#include "vfs/counters.h"
#include "vfs/engine.h"
#include "vfs/executor/frontend.h"
#include "vfs/executor/worker_pool.h"
#include "vfs/mount_options.h"
#include "vfs/store/object_store.h"

namespace vfsprof::harness {

/// An open file, as the kernel keeps one.
struct InProcessHandle {
  CachedFilePointer file;
  HandleId handle;
  bool append = false;
  bool sync_writes = false;  ///< O_DSYNC
};

/// The reference file system within this process, with what the kernel does between a system call
/// and a FUSE request: it looks paths up, once for each name (NameCache), keeps attributes until a
/// request changes them, and cuts reads and writes into requests of at most max_write bytes. So a
/// system call makes about the requests that it makes on a mount. What differs:
/// - There is no page cache: each read is a request. Options of the transport (threads, clone_fd,
///   writeback, splice, direct_io) mean nothing.
/// - Writes to one file do not wait for each other, but for those that append.
/// - Permissions are not checked, and symbolic links are not followed.
///
/// Errors: negative errno where a number is returned. Threads: safe, each open file on one thread
/// at a time.
class InProcessFileSystem {
 public:
  /// Starts the file system's threads. Errors: as vfs::parse_variant, open_store and make_engine;
  /// EnvironmentError if the counters cannot be published.
  explicit InProcessFileSystem(const InProcessSetup& setup);
  ~InProcessFileSystem();
  InProcessFileSystem(const InProcessFileSystem&) = delete;
  InProcessFileSystem& operator=(const InProcessFileSystem&) = delete;

  /// Whether what is written can be read again; `null` keeps nothing.
  bool keeps_data() const { return keeps_data_; }
  /// Pages that a client's payloads come in, if the copy strategy keeps pages; else null.
  std::unique_ptr<vfs::PayloadPages> payload_pages() {
    return engine_->payload_pages(options_.max_write);
  }
  /// Open files that the clients of a recording share. Grows before the clients start.
  std::vector<InProcessHandle>& shared_handles(std::size_t count) {
    if (shared_handles_.size() < count) shared_handles_.resize(count);
    return shared_handles_;
  }

  // Paths are relative to the root and have no "." or "..".

  /// `flags` are open(2)'s; a file is made with O_CREAT|O_EXCL.
  Result<InProcessHandle> open(const std::string& path, int flags, mode_t mode);
  Result<void> close(InProcessHandle& open);
  /// `pages`: this client's, or null.
  std::int64_t write(InProcessHandle& open, std::span<const std::byte> data, std::uint64_t offset,
                     vfs::PayloadPages* pages);
  std::int64_t read(InProcessHandle& open, std::span<std::byte> out, std::uint64_t offset);
  Result<void> sync(InProcessHandle& open, vfs::SyncScope scope);
  Result<void> truncate(InProcessHandle& open, std::uint64_t size_bytes);

  /// Type, permissions and size, as lstat(2).
  struct Status {
    mode_t mode = 0;
    std::uint64_t size_bytes = 0;
  };
  Result<Status> status(const std::string& path);
  Result<void> change(const std::string& path, const vfs::AttributeChange& change);
  Result<void> make_directory(const std::string& path, mode_t mode);
  Result<void> remove_directory(const std::string& path);
  Result<void> unlink(const std::string& path);
  Result<void> rename(const std::string& from, const std::string& to);
  Result<void> link(const std::string& from, const std::string& to);
  Result<void> make_symlink(const std::string& path, const std::string& text);
  Result<std::string> read_symlink(const std::string& path);
  /// Names in a directory ("" is the root), "." and ".." first.
  Result<std::vector<std::string>> list(const std::string& path);

  /// Writes back what is dirty, as the daemon does before it ends.
  Result<void> write_back() { return engine_->write_back_all(); }

 private:
  /// Where a name is, its directory known.
  struct Place {
    CachedFilePointer directory;
    std::string_view name;
    vfs::EntryName entry() const { return {directory->inode, name}; }
  };

  /// Does what one request would: counts it, runs it, and in lockstep waits for the workers.
  template <class Call>
  auto request(vfs::Counter kind, Call call) -> decltype(call()) {
    vfs::count(vfs::Counter::kRequests);
    vfs::count(kind);
    auto result = attempt(call);
    if (lockstep_) workers_.wait_until_idle();
    return result;
  }
  template <class Call>
  static auto attempt(Call call) -> decltype(call()) {
    try {
      return call();
    } catch (const std::bad_alloc&) {
      return std::unexpected(Errno{ENOMEM});
    }
  }

  CachedFilePointer add(const std::string& path, const vfs::Attributes& attributes);
  void renew(CachedFile& file, const vfs::Attributes& attributes) const;
  // With the cache locked exclusively.
  Result<CachedFilePointer> resolve_locked(const std::string& path);
  Result<Place> place_of(const std::string& path);
  Result<void> must_be_absent(const std::string& path);

  Result<CachedFilePointer> resolve(const std::string& path);
  Result<CachedFilePointer> make_node(
      const std::string& path, vfs::Counter kind,
      const std::function<Result<vfs::Attributes>(const Place&)>& make);
  Result<void> remove(const std::string& path, bool directory);
  Result<InProcessHandle> create(const std::string& path, int flags, mode_t mode);
  Result<std::size_t> write_piece(const InProcessHandle& open, std::span<const std::byte> data,
                                  std::uint64_t offset, vfs::PayloadPages* pages);

  vfs::MountOptions options_;
  bool keeps_data_;
  bool lockstep_;
  mode_t umask_;
  vfs::Caller caller_;
  std::unique_ptr<vfs::ObjectStore> store_;
  // In this order: whoever posts to the workers goes before they do.
  vfs::WorkerPool workers_;
  std::unique_ptr<vfs::Engine> engine_;
  std::unique_ptr<vfs::Frontend> frontend_;
  NameCache names_;
  std::vector<InProcessHandle> shared_handles_;
};

}  // namespace vfsprof::harness
