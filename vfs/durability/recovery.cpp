#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "vfs/durability/durable_tree.h"
#include "vfs/durability/tombstone.h"
#include "vfs/store/import.h"

namespace vfsprof::vfs {

namespace {

/// Moves the records for which `matches` holds out of `records`.
template <class Matches>
std::vector<InodeRecord> take_out(std::vector<InodeRecord>& records, Matches matches) {
  const auto taken = std::ranges::stable_partition(records, std::not_fn(matches));
  std::vector<InodeRecord> result(std::make_move_iterator(taken.begin()),
                                  std::make_move_iterator(taken.end()));
  records.erase(taken.begin(), taken.end());
  return result;
}

/// Completes steps that changed several inodes: the daemon may have ended when only one of their
/// records was written. Returns the records of inodes that such a step left without a name; they
/// are no longer in `records`.
std::vector<InodeRecord> complete_steps(std::vector<InodeRecord>& records) {
  std::unordered_map<std::uint64_t, std::size_t> index;
  for (std::size_t i = 0; i < records.size(); ++i) index[records[i].attributes.inode.value] = i;
  // As they were written: completing one record must not make another step look older or newer than
  // it is.
  std::vector<std::pair<std::uint64_t, const std::vector<InodeName>*>> newest(records.size());
  for (const InodeRecord& record : records) {
    for (const InodeNames& other : record.also) {
      const auto found = index.find(other.inode.value);
      if (found == index.end()) continue;
      auto& [sequence, names] = newest[found->second];
      if (record.name_sequence <= std::max(sequence, records[found->second].name_sequence))
        continue;
      sequence = record.name_sequence;
      names = &other.names;
    }
  }
  std::unordered_set<std::uint64_t> dropped;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto& [sequence, names] = newest[i];
    if (names == nullptr) continue;
    records[i].name_sequence = sequence;
    records[i].names = *names;
    if (names->empty()) dropped.insert(records[i].attributes.inode.value);
  }
  return take_out(records, [&](const InodeRecord& record) {
    return dropped.contains(record.attributes.inode.value);
  });
}

}  // namespace

/// Removes content that belongs to no inode.
Result<void> DurableTree::sweep(const DiskCache::Contents& found,
                                std::span<const InodeRecord> replaced) {
  for (const InodeRecord& record : replaced) {
    // The record first: a record without its content would come back as an empty file.
    const InodeId inode = record.attributes.inode;
    const auto removed =
        record.store_key.empty()
            ? cache_.remove_record(inode)
            : cache_.write_record(tombstone_of(inode, record.store_key), Durability::kDurable);
    if (!removed) return removed;
  }
  std::unordered_set<std::uint64_t> recorded;
  for (const InodeRecord& record : found.records) recorded.insert(record.attributes.inode.value);
  for (const InodeId inode : found.unreadable_records) recorded.insert(inode.value);
  for (const InodeId inode : found.files) {
    if (recorded.contains(inode.value)) continue;
    if (const auto removed = cache_.remove_file(inode); !removed) return removed;
  }
  return {};
}

Result<DurableTree::Recovery> DurableTree::recover(ObjectStore& store) {
  auto found = cache_.load();
  if (!found) return Failure(found.error());
  Recovery recovery;
  recovery.faults = std::move(found->faults);
  const std::vector<InodeRecord> tombstones =
      take_out(found->records, [](const InodeRecord& record) { return record.is_tombstone(); });
  const std::vector<InodeRecord> replaced = complete_steps(found->records);
  if (const auto swept = sweep(*found, replaced); !swept) return Failure(swept.error());
  for (const auto* const inodes : {&found->files, &found->unreadable_records}) {
    for (const InodeId inode : *inodes) names_.reserve_inodes_up_to(inode);
  }
  std::unordered_set<std::string> removed_keys;
  for (const auto* const records : {&tombstones, &replaced}) {
    for (const InodeRecord& record : *records) {
      names_.reserve_inodes_up_to(record.attributes.inode);
      removed_keys.insert(record.store_key);
    }
  }

  const RestoreReport restored = names_.restore(found->records);
  recovery.faults.insert(recovery.faults.end(), restored.faults.begin(), restored.faults.end());
  std::unordered_map<std::uint64_t, std::size_t> file_index;
  for (const InodeRecord& record : found->records) {
    const InodeId inode = record.attributes.inode;
    if (!names_.attributes(inode)) continue;  // refused by `restore`
    {
      const std::lock_guard lock(marks_mutex_);
      // Not known to be on the disk: the next sync writes it again.
      marks_[inode.value] = {true, false, record.name_sequence, record.attributes.changed};
    }
    if (!S_ISREG(record.attributes.mode)) continue;
    const auto size = cache_.file_size(inode);
    if (!size) return Failure(size.error());
    file_index[inode.value] = recovery.files.size();
    recovery.files.push_back(
        {inode, size->value_or(0), record.attributes.modified, size->has_value()});
  }
  {
    const std::lock_guard lock(records_mutex_);
    for (const InodeId inode : restored.lost) pending_.push_back({{inode}});
  }

  auto imported = import_objects(store, names_, removed_keys);
  if (!imported) return Failure(imported.error());
  recovery.faults.insert(recovery.faults.end(), imported->faults.begin(), imported->faults.end());
  for (const ImportedObject& object : imported->objects) {
    const FoundFile file{object.inode, object.size, {object.modified_s, 0}, false};
    const auto known = file_index.find(object.inode.value);
    if (known == file_index.end()) {
      recovery.files.push_back(file);
    } else if (!recovery.files[known->second].cached) {
      recovery.files[known->second] = file;
    }
  }
  return recovery;
}

}  // namespace vfsprof::vfs
