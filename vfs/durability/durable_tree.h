#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "vfs/durability/disk_cache.h"
#include "vfs/engine.h"
#include "vfs/namespace/namespace.h"
#include "vfs/store/object_store.h"
#include "vfs/word_names.h"

namespace vfsprof::vfs {

/// What a DurableTree needs from the owner of the files' content, the engine.
class FileContents {
 public:
  virtual ~FileContents() = default;
  /// Writes back what is dirty of a regular file, `Durability::kOnRequest`. Success if nothing is.
  /// Called when a file replaces a durable one, so that a crash finds the old or the new content
  /// under the name.
  virtual Result<void> write_back(InodeId inode) = 0;
  /// Fills in what the metadata strategy owns: `size` and `modified` of a regular file, and
  /// `changed` if later.
  virtual void complete(Attributes& attributes) = 0;
  /// The inode is gone: drop its blocks and dirty state. Its content in the cache is removed by the
  /// DurableTree.
  virtual void gone(InodeId inode) = 0;
};

/// The namespace, and its records on the cache disk kept in step with it.
///
/// Only inodes that were made durable, and the directories above them, have a record. From then on
/// every change of their names goes to the disk before the operation returns, so that an unlink is
/// not resurrected and a rename over a durable file leaves the old or the new one. A record that
/// could not be written stays pending, the operation succeeds (it took place, and promised
/// nothing), every later one tries again, and syncs fail until it is written.
///
/// How an engine uses it: names are read, created and counted through `names()`; whatever takes
/// away or changes a name goes through the four operations here; fsync is "write back with
/// Durability::kDurable, then `sync`".
///
/// Threads: every member is safe. Lock order: `records_mutex_`, then what FileContents takes, then
/// the namespace's lock and the cache's; `marks_mutex_` is innermost. So call no member while
/// holding a lock that FileContents takes.
class DurableTree {
 public:
  /// `cache` and `contents` must outlive the tree; `contents` is not called during construction.
  DurableTree(DiskCache& cache, FileContents& contents);

  Namespace& names() { return names_; }
  const Namespace& names() const { return names_; }

  /// A regular file that was there at mount: seeds the metadata strategy.
  struct FoundFile {
    InodeId inode;
    std::uint64_t size = 0;  ///< bytes
    timespec modified{};
    bool cached = false;  ///< its content is in the disk cache; else in the store, or it is empty
  };
  struct Recovery {
    std::vector<FoundFile> files;
    std::vector<std::string> faults;  ///< for the log: what was left aside, and where it is
  };
  /// Rebuilds the tree from the cache, then adds the objects of the store. Removes content that no
  /// record knows. Call it once, before anything else. Errors: those of listing the store; EIO if
  /// the cache cannot be read.
  Result<Recovery> recover(ObjectStore& store);

  // Changes of names, as in Engine.
  Result<Attributes> link(InodeId inode, EntryName entry);
  Result<void> unlink(EntryName entry);
  Result<void> remove_directory(EntryName entry);
  Result<void> rename(EntryName from, EntryName to, RenameFlags flags);

  /// The second half of fsync(2): puts the content last written to the cache, the inode's record
  /// and those of the directories above it on the disk. An inode without a name has no record. With
  /// SyncScope::kData the record is written only where the disk does not have the inode's names.
  Result<void> sync(InodeId inode, SyncScope scope);
  /// fsync(2) of a directory: its names, present and absent, are on the disk.
  Result<void> sync_directory(InodeId directory);
  /// Makes everything durable that has a name; called once before the daemon ends, after all
  /// content was written back.
  Result<void> save_all();

 private:
  /// Inodes whose names changed at once, and whose records must follow.
  struct Step {
    std::vector<InodeId> inodes;
    bool replaces_durable = false;  ///< so its content must be on the disk before the records are
  };
  /// An inode that has a record or is about to have one, and what the record on the disk says.
  struct Mark {
    bool written = false;
    bool durable = false;
    std::uint64_t name_sequence = 0;
    timespec changed{};  ///< moves with every attribute and name
  };
  /// What of a record must be on the disk: its names, or all of it.
  enum class Extent { kNames, kAll };

  void on_gone(InodeId inode);
  bool marked(InodeId inode) const;
  void follow(Step step);
  Result<void> catch_up();
  Result<void> write_step(const Step& step);
  Result<void> write_contents(const Step& step, std::span<const InodeRecord> records);
  Result<std::vector<InodeRecord>> mark_and_snapshot(std::span<const InodeId> inodes);
  Result<void> write_record(InodeRecord& record, Extent extent, Durability durability);
  Result<void> remove_record(InodeId inode);
  bool has_record_or_object(InodeId inode) const;
  Result<void> sync_records(std::span<const InodeId> inodes, Extent extent);
  Result<void> sweep(const DiskCache::Contents& found, std::span<const InodeRecord> replaced);

  DiskCache& cache_;
  FileContents& contents_;
  /// Held while records are written, so that they reach the disk in the order of the changes.
  std::mutex records_mutex_;
  const WordName records_mutex_name_{records_mutex_, "durable_tree.records", WordPurpose::kLock};
  std::deque<Step> pending_;  ///< under `records_mutex_`
  /// Written, but not known to be on the disk. Under `records_mutex_`.
  std::vector<InodeRecord> unsynced_tombstones_;
  mutable std::mutex marks_mutex_;
  const WordName marks_mutex_name_{marks_mutex_, "durable_tree.marks", WordPurpose::kLock};
  /// By inode. Set before the snapshot that is written, so that a change of names either is in the
  /// snapshot or sees the mark. Under `marks_mutex_`.
  std::unordered_map<std::uint64_t, Mark> marks_;
  /// Inodes that are gone, but whose record stands yet. Under `marks_mutex_`.
  std::unordered_set<std::uint64_t> doomed_;
  Namespace names_;
};

}  // namespace vfsprof::vfs
