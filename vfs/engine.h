#pragma once

#include <sys/types.h>
#include <time.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vfs/base/ids.h"
#include "vfs/base/result.h"
#include "vfs/memory/payload_pages.h"
#include "vfs/payload.h"

namespace vfsprof::vfs {

/// Attributes of an inode, as stat(2) reports them. `size` in bytes, times in CLOCK_REALTIME.
struct Attributes {
  InodeId inode;
  mode_t mode = 0;  ///< type and permission bits
  nlink_t links = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  dev_t device = 0;  ///< of a device node
  std::uint64_t size = 0;
  timespec accessed{};
  timespec modified{};
  timespec changed{};
};

/// What `set_attributes` is to change; empty fields stay.
struct AttributeChange {
  std::optional<mode_t> mode{};
  std::optional<uid_t> uid{};
  std::optional<gid_t> gid{};
  std::optional<std::uint64_t> size{};  ///< bytes; truncates or extends with zeros
  std::optional<timespec> accessed{};
  std::optional<timespec> modified{};
};

/// Who asks: the owner of what is created.
struct Caller {
  uid_t uid = 0;
  gid_t gid = 0;
};

/// A new node: type and permission bits (umask applied by the kernel), device number of a device
/// node.
struct NewNode {
  mode_t mode = 0;
  dev_t device = 0;
};

/// A name in a directory.
struct EntryName {
  InodeId parent;
  std::string_view name;
};

/// One entry of a directory. `next` is the cookie from which a later read continues; cookies stay
/// valid while other entries come and go.
struct DirectoryEntry {
  std::string_view name;
  InodeId inode;
  mode_t mode = 0;  ///< type bits are enough
  std::uint64_t next = 0;
};

/// Returns false to stop the listing before this entry.
using DirectoryVisitor = std::function<bool(const DirectoryEntry&)>;

/// A write as the kernel sent it.
struct WriteRequest {
  InodeId inode;
  HandleId handle;
  std::uint64_t offset = 0;  ///< bytes
  Payload payload;
};

/// A write's payload on its way to the place where the write runs: the request's own bytes, or a
/// copy that the write owns where the copy strategy asks for one.
struct StagedPayload {
  std::vector<std::byte> owned;
  Payload payload;
};

struct FileRange {
  std::uint64_t offset = 0;  ///< bytes
  std::size_t size = 0;      ///< bytes
};

struct FileSystemUsage {
  std::uint64_t capacity_bytes = 0;
  std::uint64_t used_bytes = 0;
  std::uint64_t inodes = 0;
};

/// How much an fsync must make durable.
enum class SyncScope { kData, kDataAndMetadata };

/// RENAME_NOREPLACE and RENAME_EXCHANGE of renameat2(2).
struct RenameFlags {
  bool no_replace = false;
  bool exchange = false;
};

/// The run-time face of the reference file system: one virtual call per request. Implemented by
/// WriteBackEngine, a template over the strategies; obtained from `make_engine` (variant.h).
///
/// An inode lives while it has links, lookups or open handles: `lookup`, `create_node` and `create`
/// count one lookup, which `forget` takes back. A handle is one that `open` or `create` returned
/// and `release` has not ended; where one is given, the inode is its own.
///
/// Errors are the errno values that POSIX names for the system call behind each operation; only
/// others are stated. Threads: every operation may be called from any thread at any time.
class Engine {
 public:
  virtual ~Engine() = default;

  // Names.
  virtual Result<Attributes> lookup(EntryName entry) = 0;
  virtual void forget(InodeId inode, std::uint64_t lookups) = 0;
  virtual Result<Attributes> create_node(EntryName entry, NewNode node, Caller caller) = 0;
  virtual Result<Attributes> create_symlink(EntryName entry, std::string_view target,
                                            Caller caller) = 0;
  virtual Result<Attributes> link(InodeId inode, EntryName entry) = 0;
  virtual Result<void> unlink(EntryName entry) = 0;
  virtual Result<void> remove_directory(EntryName entry) = 0;
  virtual Result<void> rename(EntryName from, EntryName to, RenameFlags flags) = 0;
  virtual Result<std::string> read_symlink(InodeId inode) = 0;
  /// Calls `visit` for the entries from `cookie` on (0: from the start), "." and ".." first.
  virtual Result<void> read_directory(InodeId directory, std::uint64_t cookie,
                                      const DirectoryVisitor& visit) = 0;

  // Attributes.
  virtual Result<Attributes> attributes(InodeId inode) = 0;
  virtual Result<Attributes> set_attributes(InodeId inode, const AttributeChange& change) = 0;
  virtual FileSystemUsage usage() = 0;

  // Open files. `flags` are those of open(2).
  virtual Result<HandleId> open(InodeId inode, int flags) = 0;
  struct Created {
    Attributes attributes;
    HandleId handle;
  };
  virtual Result<Created> create(EntryName entry, NewNode node, int flags, Caller caller) = 0;
  /// Whether `flush` and `release` may wait for the disk to take file contents.
  virtual bool close_waits() const = 0;
  /// close(2) of one descriptor: starts what the flush strategy does then. A failure stays pending
  /// for `sync` too.
  virtual Result<void> flush(InodeId inode, HandleId handle) = 0;
  /// The last descriptor is gone; the handle ends whatever is returned.
  virtual Result<void> release(InodeId inode, HandleId handle) = 0;
  /// Returns only when what `scope` names is on the cache disk. A write-back that failed since this
  /// handle's last sync surfaces here, once per handle.
  virtual Result<void> sync(InodeId inode, HandleId handle, SyncScope scope) = 0;
  /// fsync(2) of a directory: its entries are on the cache disk.
  virtual Result<void> sync_directory(InodeId directory) = 0;

  // Data.

  /// Writes the payload and returns the number of bytes written (all, or an error).
  /// Errors: EFBIG, ENOSPC, EIO; ESTALE for an inode that is gone.
  /// Threads: safe; writes to one file do not tear each other's chunks.
  virtual Result<std::size_t> write(const WriteRequest& request) = 0;
  /// As `write`, but empty, with nothing changed, if an object must first be fetched from the
  /// store: for a thread that must not wait for a network.
  virtual std::optional<Result<std::size_t>> try_write(const WriteRequest& request) = 0;
  /// The two halves of `write`, for an executor that hands writes over: `stage` before the
  /// hand-off, `write_staged` behind it.
  virtual StagedPayload stage(const Payload& payload) = 0;
  virtual Result<std::size_t> write_staged(const WriteRequest& request,
                                           const StagedPayload& staged) = 0;
  /// Pages to receive payloads of up to `max_bytes` into, if the copy strategy wants to keep them;
  /// null if it copies. The engine must outlive them.
  virtual std::unique_ptr<PayloadPages> payload_pages(std::size_t max_bytes) = 0;
  /// Reads into `out`, which must hold `range.size` bytes; returns how many there were before the
  /// end of the file.
  virtual Result<std::size_t> read(InodeId inode, HandleId handle, FileRange range,
                                   std::span<std::byte> out) = 0;
  /// As `read`, but empty, with nothing read, if an object must first be fetched from the store.
  virtual std::optional<Result<std::size_t>> try_read(InodeId inode, HandleId handle,
                                                      FileRange range,
                                                      std::span<std::byte> out) = 0;

  /// Writes back everything that is dirty; called once before the daemon ends.
  virtual Result<void> write_back_all() = 0;
};

}  // namespace vfsprof::vfs
