#include "vfs/durability/durable_tree.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "vfs/durability/tombstone.h"

namespace vfsprof::vfs {

namespace {

bool contains(std::span<const InodeId> inodes, InodeId inode) {
  return std::ranges::find(inodes, inode) != inodes.end();
}

bool same_time(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

}  // namespace

DurableTree::DurableTree(DiskCache& cache, FileContents& contents)
    : cache_(cache),
      contents_(contents),
      names_({::geteuid(), ::getegid()}, [this](InodeId inode) { on_gone(inode); }) {}

void DurableTree::on_gone(InodeId inode) {
  contents_.gone(inode);
  {
    const std::lock_guard lock(marks_mutex_);
    if (marks_.contains(inode.value)) {
      // While the record stands, a restart would look for the content: it goes after the record.
      doomed_.insert(inode.value);
      return;
    }
  }
  // If it cannot be removed now, the next mount removes it: no record knows it.
  (void)cache_.remove_file(inode);
}

bool DurableTree::marked(InodeId inode) const {
  const std::lock_guard lock(marks_mutex_);
  return marks_.contains(inode.value);
}

/// Whether the next mount would find the inode, or its object, if nothing was done about it.
bool DurableTree::has_record_or_object(InodeId inode) const {
  return marked(inode) || !names_.removed_store_key(inode).empty();
}

Result<Attributes> DurableTree::link(InodeId inode, EntryName entry) {
  auto linked = names_.link(inode, entry);
  if (linked) follow({{inode}});
  return linked;
}

Result<void> DurableTree::unlink(EntryName entry) {
  const auto inode = names_.unlink(entry);
  if (!inode) return Failure(inode.error());
  follow({{*inode}});
  return {};
}

Result<void> DurableTree::remove_directory(EntryName entry) {
  const auto inode = names_.remove_directory(entry);
  if (!inode) return Failure(inode.error());
  follow({{*inode}});
  return {};
}

Result<void> DurableTree::rename(EntryName from, EntryName to, RenameFlags flags) {
  const auto renamed = names_.rename(from, to, flags);
  if (!renamed) return Failure(renamed.error());
  if (!renamed->changed) return {};
  Step step{{renamed->moved}};
  if (renamed->other) {
    step.inodes.push_back(*renamed->other);
    step.replaces_durable =
        has_record_or_object(*renamed->other) || (flags.exchange && marked(renamed->moved));
  }
  follow(std::move(step));
  return {};
}

/// Brings the records on the disk up to a change of names.
void DurableTree::follow(Step step) {
  const bool any_known =
      std::ranges::any_of(step.inodes, [&](InodeId one) { return has_record_or_object(one); });
  if (!any_known) return;
  const std::lock_guard lock(records_mutex_);
  pending_.push_back(std::move(step));
  // What fails stays pending; the next sync reports it.
  (void)catch_up();
}

/// Writes the records of pending steps, in order.
Result<void> DurableTree::catch_up() {
  while (!pending_.empty()) {
    if (const auto written = write_step(pending_.front()); !written) return written;
    pending_.pop_front();
  }
  return {};
}

/// Writes back the content of the files of a step that replaced a durable file, and syncs it.
Result<void> DurableTree::write_contents(const Step& step, std::span<const InodeRecord> records) {
  for (const InodeRecord& record : records) {
    const InodeId inode = record.attributes.inode;
    if (!contains(step.inodes, inode) || !S_ISREG(record.attributes.mode)) continue;
    auto written = contents_.write_back(inode);
    // ESTALE: it went since the snapshot, and a step of its own follows.
    if (!written && written.error() == Errno{ESTALE}) continue;
    if (written) written = cache_.sync_file(inode);
    if (!written) return written;
  }
  return {};
}

Result<void> DurableTree::write_step(const Step& step) {
  const auto snapshot = mark_and_snapshot(step.inodes);
  if (!snapshot) return Failure(snapshot.error());
  if (step.replaces_durable) {
    if (const auto written = write_contents(step, *snapshot); !written) return written;
  }
  std::vector<InodeNames> names;
  for (const InodeId one : step.inodes) names.push_back({one, {}});
  for (const InodeRecord& record : *snapshot) {
    const auto own = std::ranges::find(names, record.attributes.inode, &InodeNames::inode);
    if (own != names.end()) own->names = record.names;
  }
  const Durability durability =
      step.replaces_durable ? Durability::kDurable : Durability::kOnRequest;
  for (InodeRecord record : *snapshot) {
    const InodeId inode = record.attributes.inode;
    const bool in_step = contains(step.inodes, inode);
    if (in_step) {
      std::ranges::copy_if(names, std::back_inserter(record.also),
                           [&](const InodeNames& other) { return other.inode != inode; });
    }
    // A directory above that the disk does not know: what goes below may be durable already.
    const auto written = in_step ? write_record(record, Extent::kAll, durability)
                                 : write_record(record, Extent::kNames, Durability::kDurable);
    if (!written) return written;
  }
  for (const InodeNames& one : names) {
    if (!one.names.empty()) continue;
    if (const auto removed = remove_record(one.inode); !removed) return removed;
  }
  return {};
}

/// The records of `inodes` and of the directories above them, marked before the snapshot.
Result<std::vector<InodeRecord>> DurableTree::mark_and_snapshot(std::span<const InodeId> inodes) {
  std::vector<InodeId> added;
  std::vector<InodeRecord> records;
  for (bool all_marked = false; !all_marked;) {
    records = names_.records_with_ancestors(inodes);
    all_marked = true;
    const std::lock_guard lock(marks_mutex_);
    for (const InodeRecord& record : records) {
      const InodeId inode = record.attributes.inode;
      if (!marks_.try_emplace(inode.value).second) continue;
      added.push_back(inode);
      all_marked = false;
    }
  }
  // What lost its name meanwhile, before its mark was seen, would keep the mark for ever.
  for (const InodeId inode : added) {
    const bool used = std::ranges::any_of(
        records, [&](const InodeRecord& record) { return record.attributes.inode == inode; });
    if (used) continue;
    if (const auto removed = remove_record(inode); !removed) return Failure(removed.error());
  }
  return records;
}

/// Writes a record unless the disk has it as it is, to the extent asked for.
Result<void> DurableTree::write_record(InodeRecord& record, Extent extent, Durability durability) {
  const InodeId inode = record.attributes.inode;
  if (S_ISREG(record.attributes.mode)) contents_.complete(record.attributes);
  Mark wanted{true, durability == Durability::kDurable, record.name_sequence,
              record.attributes.changed};
  {
    const std::lock_guard lock(marks_mutex_);
    const Mark& mark = marks_.at(inode.value);
    if (mark.written && mark.name_sequence == wanted.name_sequence &&
        (extent == Extent::kNames || same_time(mark.changed, wanted.changed)) &&
        (mark.durable || !wanted.durable)) {
      return {};
    }
  }
  if (const auto written = cache_.write_record(record, durability); !written) return written;
  const std::lock_guard lock(marks_mutex_);
  marks_.at(inode.value) = wanted;
  return {};
}

/// Removes the record of an inode that has no name any more; if an object stands behind it, puts a
/// tombstone in its place. The caller holds `records_mutex_`.
Result<void> DurableTree::remove_record(InodeId inode) {
  const std::string store_key = names_.removed_store_key(inode);
  if (store_key.empty()) {
    if (const auto removed = cache_.remove_record(inode); !removed) return removed;
  } else {
    unsynced_tombstones_.push_back(tombstone_of(inode, store_key));
    const auto written = cache_.write_record(unsynced_tombstones_.back(), Durability::kOnRequest);
    if (!written) {
      unsynced_tombstones_.pop_back();
      return written;
    }
  }
  {
    const std::lock_guard lock(marks_mutex_);
    marks_.erase(inode.value);
    if (doomed_.erase(inode.value) == 0) return {};
  }
  (void)cache_.remove_file(inode);  // as in on_gone
  return {};
}

/// Makes the records of `inodes` durable; the caller holds `records_mutex_`.
Result<void> DurableTree::sync_records(std::span<const InodeId> inodes, Extent extent) {
  if (const auto done = catch_up(); !done) return done;
  auto snapshot = mark_and_snapshot(inodes);
  if (!snapshot) return Failure(snapshot.error());
  for (InodeRecord& record : *snapshot) {
    const bool whole = extent == Extent::kAll && contains(inodes, record.attributes.inode);
    const auto written =
        write_record(record, whole ? Extent::kAll : Extent::kNames, Durability::kDurable);
    if (!written) return written;
  }
  return {};
}

Result<void> DurableTree::sync(InodeId inode, SyncScope scope) {
  if (const auto done = cache_.sync_file(inode); !done) return done;
  const std::lock_guard lock(records_mutex_);
  return sync_records({{inode}}, scope == SyncScope::kData ? Extent::kNames : Extent::kAll);
}

Result<void> DurableTree::sync_directory(InodeId directory) {
  const std::lock_guard lock(records_mutex_);
  if (const auto done = sync_records({{directory}}, Extent::kAll); !done) return done;
  if (const auto done = sync_records(names_.children(directory), Extent::kNames); !done) {
    return done;
  }
  for (; !unsynced_tombstones_.empty(); unsynced_tombstones_.pop_back()) {
    const auto written = cache_.write_record(unsynced_tombstones_.back(), Durability::kDurable);
    if (!written) return written;
  }
  return cache_.sync_records();
}

Result<void> DurableTree::save_all() {
  const std::lock_guard lock(records_mutex_);
  if (const auto done = catch_up(); !done) return done;
  auto snapshot = mark_and_snapshot(names_.all_inodes());
  if (!snapshot) return Failure(snapshot.error());
  for (InodeRecord& record : *snapshot) {
    const auto written = write_record(record, Extent::kAll, Durability::kOnRequest);
    if (!written) return written;
  }
  unsynced_tombstones_.clear();
  return cache_.sync_all();
}

}  // namespace vfsprof::vfs
