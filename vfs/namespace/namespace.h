#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "vfs/engine.h"
#include "vfs/namespace/inode_record.h"
#include "vfs/word_names.h"

namespace vfsprof::vfs {

class Directory;

/// The tree of inodes in memory: names, links, attributes, lookup and open counts.
///
/// The size and the content time (`modified`) of a regular file belong to the metadata strategy:
/// here they are 0 and never change; who owns the strategy fills them in, and takes the later of
/// both for `changed`. Everything else, directories and symbolic links included, is complete here.
/// Permission bits and the sticky bit are checked by the kernel (mount option default_permissions).
///
/// An inode lives while it has a name, a lookup or an open handle. When the last of them goes, the
/// callback given at construction is called once, outside of all locks of this class, on the thread
/// that took it away.
///
/// Inode numbers are never used twice while mounted, and after a restart never below one that the
/// cache knows, so that one fixed FUSE generation is right.
///
/// Threads: every member is safe. One reader-writer lock over the whole tree; no callback but a
/// directory visitor and that of a new node, and no system call but clock_gettime runs under it.
class Namespace {
 public:
  static constexpr std::size_t kMaxNameBytes = 255;
  static constexpr nlink_t kMaxLinks = 65000;
  /// What an entry adds to the size of its directory, as in tmpfs.
  static constexpr std::uint64_t kBytesPerEntry = 20;

  using GoneCallback = std::function<void(InodeId)>;
  using MadeCallback = std::function<void(const Attributes&)>;

  /// An empty tree: a root directory that `owner` has, mode 0755.
  Namespace(Caller owner, GoneCallback gone);
  ~Namespace();
  Namespace(const Namespace&) = delete;
  Namespace& operator=(const Namespace&) = delete;

  // Names, as in Engine. `lookup`, `create_node`, `create_symlink` and `link` count one lookup
  // each, as the kernel does for the entry it is given. Errors: ENOENT, ENOTDIR, EEXIST,
  // ENAMETOOLONG, EMLINK, and EINVAL for "", ".", ".." and names with '/'.
  Result<Attributes> lookup(EntryName entry);
  void forget(InodeId inode, std::uint64_t lookups);
  /// `made` is called before anybody can find the node, under the lock: it must not call this
  /// object.
  Result<Attributes> create_node(EntryName entry, NewNode node, Caller caller,
                                 const MadeCallback& made = {});
  Result<Attributes> create_symlink(EntryName entry, std::string_view target, Caller caller);
  /// Errors: EPERM for a directory.
  Result<Attributes> link(InodeId inode, EntryName entry);
  /// Returns the inode that lost the name. Errors: EISDIR.
  Result<InodeId> unlink(EntryName entry);
  /// Returns the inode of the directory. Errors: ENOTEMPTY.
  Result<InodeId> remove_directory(EntryName entry);

  struct Renamed {
    InodeId moved;
    /// The inode that lost the target name, or with which names were exchanged.
    std::optional<InodeId> other;
    bool changed = true;  ///< false: both names were links to one inode, nothing was done
  };
  /// Errors: EINVAL for a directory into itself or below, ENOTEMPTY, EISDIR, ENOTDIR, EEXIST with
  /// `no_replace`.
  Result<Renamed> rename(EntryName from, EntryName to, RenameFlags flags);

  Result<std::string> read_symlink(InodeId inode) const;
  /// As in Engine. `visit` must not call this object. An entry keeps its cookie for as long as it
  /// has its name; cookies follow a hash of the name, so that a loop which renames what it lists
  /// comes to an end.
  Result<void> read_directory(InodeId directory, std::uint64_t cookie,
                              const DirectoryVisitor& visit) const;

  /// Errors: ESTALE for an inode that is gone.
  Result<Attributes> attributes(InodeId inode) const;
  /// Changes everything asked for but `size`, and `modified` of a regular file.
  Result<Attributes> set_attributes(InodeId inode, const AttributeChange& change);
  std::uint64_t inode_count() const;

  /// Counts an open handle of a file or directory, which keeps the inode alive; `drop_open` takes
  /// it back. Errors: ESTALE.
  Result<void> add_open(InodeId inode);
  void drop_open(InodeId inode);

  // What is to be made durable, and back. Used by DurableTree; an engine has no need of these.

  /// The records of `inodes` and of all directories above them, parents first, all of one instant.
  /// Inodes without a name (but the root) and inodes that are gone are left out.
  std::vector<InodeRecord> records_with_ancestors(std::span<const InodeId> inodes) const;
  /// Every inode below `directory` by one name. Empty if it is no directory.
  std::vector<InodeId> children(InodeId directory) const;
  std::vector<InodeId> all_inodes() const;
  /// Rebuilds the tree; only for one that is still empty. A record whose directory is unknown,
  /// whose name is taken by a later change, or that lies in a loop is put into `/lost+found` as
  /// `#<inode>`; one that is not valid is dropped.
  RestoreReport restore(std::vector<InodeRecord> records);
  /// Inode numbers handed out from now on are above `inode`.
  void reserve_inodes_up_to(InodeId inode);

  /// The key under which the file is in the object store; empty for one that is not there.
  std::string store_key(InodeId inode) const;
  /// The key of a file that lost its last name, gone or not, since mount; empty for all others.
  std::string removed_store_key(InodeId inode) const;
  /// Adds a regular file for an object of the store, with the directories that its key names
  /// ("a/b/c"). Returns the inode that already has this key if there is one. Errors: EINVAL for a
  /// key with an empty, "." or ".." part; EEXIST or ENOTDIR where names collide.
  Result<InodeId> add_object(std::string_view key);

 private:
  struct Inode;
  class GoneList;
  using InodeMap = std::unordered_map<std::uint64_t, std::unique_ptr<Inode>>;

  // Callers hold `mutex_`, exclusively where the tree changes.
  Inode* find(InodeId inode) const;
  Result<Inode*> find_directory(InodeId inode) const;
  Result<Inode*> find_child(const Inode& directory, std::string_view name) const;
  Result<Inode*> prepare_new_entry(EntryName entry) const;
  Inode& add_inode(NewNode node, Caller caller, const Inode* parent);
  void add_name(Inode& directory, std::string_view name, Inode& inode);
  void remove_name(Inode& directory, std::string_view name, Inode& inode);
  bool is_below(InodeId inode, InodeId ancestor) const;
  static Result<void> check_replace(const Inode& source, const Inode& target);
  static bool exceeds_links(const Inode& from_directory, const Inode& source,
                            const Inode& to_directory, const Inode* target, RenameFlags flags);
  void exchange(EntryName from, Inode& source, EntryName to, Inode& target);
  void replace(EntryName from, Inode& source, EntryName to, Inode& target);
  void drop_if_unused(Inode& inode, GoneList& gone);
  static InodeRecord record_of(const Inode& inode);
  Inode* restore_inode(const InodeRecord& record, RestoreReport& report);
  void restore_names(const InodeRecord& record, RestoreReport& report);
  void restore_lost(Inode& inode, RestoreReport& report);

  mutable std::shared_mutex mutex_;
  const WordName mutex_name_{mutex_, "namespace.mutex", WordPurpose::kLock};
  InodeMap inodes_;
  std::uint64_t next_inode_;
  std::uint64_t name_sequence_ = 0;
  std::unordered_map<std::string, InodeId> objects_;  ///< by store key
  std::unordered_map<std::uint64_t, std::string> removed_store_keys_;
  const GoneCallback gone_;
};

}  // namespace vfsprof::vfs
