#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <ranges>
#include <tuple>
#include <unordered_set>

#include "vfs/base/check.h"
#include "vfs/namespace/inode.h"
#include "vfs/namespace/namespace.h"

namespace vfsprof::vfs {

namespace {

constexpr std::string_view kLostAndFound = "lost+found";

/// What is wrong with a record, or an empty text.
std::string fault_of(const InodeRecord& record) {
  const mode_t mode = record.attributes.mode;
  const bool is_root = record.attributes.inode == kRootInode;
  if (record.attributes.inode.value == 0) return "its inode number is 0";
  if (!S_ISREG(mode) && !S_ISDIR(mode) && !S_ISLNK(mode) && !S_ISCHR(mode) && !S_ISBLK(mode) &&
      !S_ISFIFO(mode) && !S_ISSOCK(mode)) {
    return fmt::format("mode {:o} has no known file type", mode);
  }
  if (is_root && !S_ISDIR(mode)) return "the root is no directory";
  if (is_root != record.names.empty()) return is_root ? "the root has a name" : "it has no name";
  if (S_ISDIR(mode) && record.names.size() > 1) return "a directory has several names";
  if (S_ISLNK(mode) && record.symlink_target.empty()) return "a symbolic link has no target";
  for (const InodeName& one : record.names) {
    if (check_entry_name(one.name) != 0) return fmt::format("'{}' cannot be a name", one.name);
  }
  return {};
}

}  // namespace

InodeRecord Namespace::record_of(const Inode& inode) {
  InodeRecord record;
  record.attributes = inode.attributes;
  record.name_sequence = inode.name_sequence;
  record.names = inode.names;
  record.symlink_target = inode.symlink_target;
  record.store_key = inode.store_key;
  return record;
}

std::vector<InodeRecord> Namespace::records_with_ancestors(std::span<const InodeId> inodes) const {
  const std::shared_lock lock(mutex_);
  std::vector<InodeRecord> records;
  std::unordered_set<std::uint64_t> taken;
  for (const InodeId id : inodes) {
    const Inode* const inode = find(id);
    if (inode == nullptr || inode->attributes.links == 0) continue;
    std::vector<const Inode*> upwards;
    for (const InodeName& name : inode->names) {
      const auto first_of_path = static_cast<std::ptrdiff_t>(upwards.size());
      const Inode* at = find(name.parent);
      while (taken.insert(at->id().value).second) {
        upwards.push_back(at);
        if (at->names.empty()) break;
        at = find(at->names.front().parent);
      }
      std::reverse(upwards.begin() + first_of_path, upwards.end());
    }
    if (taken.insert(id.value).second) upwards.push_back(inode);
    for (const Inode* const one : upwards) records.push_back(record_of(*one));
  }
  return records;
}

std::vector<InodeId> Namespace::children(InodeId directory) const {
  const std::shared_lock lock(mutex_);
  std::vector<InodeId> children;
  const auto found = find_directory(directory);
  if (!found) return children;
  for (const auto& [cookie, entry] : (*found)->directory->entries()) {
    children.push_back(entry.inode);
  }
  return children;
}

std::vector<InodeId> Namespace::all_inodes() const {
  const std::shared_lock lock(mutex_);
  std::vector<InodeId> all;
  all.reserve(inodes_.size());
  for (const auto& [id, inode] : inodes_) all.push_back(InodeId{id});
  return all;
}

void Namespace::reserve_inodes_up_to(InodeId inode) {
  const std::unique_lock lock(mutex_);
  next_inode_ = std::max(next_inode_, inode.value + 1);
}

/// Makes the inode of a record, without its names.
Namespace::Inode* Namespace::restore_inode(const InodeRecord& record, RestoreReport& report) {
  const InodeId id = record.attributes.inode;
  if (const std::string fault = fault_of(record); !fault.empty()) {
    report.faults.push_back(fmt::format("inode {} was dropped: {}", id.value, fault));
    return nullptr;
  }
  Inode* inode = find(id);
  if (inode != nullptr && id != kRootInode) {
    report.faults.push_back(fmt::format("a second record of inode {} was dropped", id.value));
    return nullptr;
  }
  if (inode == nullptr) {
    const std::uint64_t next = std::max(next_inode_, id.value + 1);
    next_inode_ = id.value;
    inode = &add_inode({record.attributes.mode, record.attributes.device}, {}, nullptr);
    next_inode_ = next;
  }
  if (S_ISLNK(record.attributes.mode)) {
    inode->symlink_target = record.symlink_target;
    inode->attributes.size = record.symlink_target.size();
  }
  if (!record.store_key.empty() && objects_.emplace(record.store_key, id).second) {
    inode->store_key = record.store_key;
  }
  return inode;
}

void Namespace::restore_names(const InodeRecord& record, RestoreReport& report) {
  Inode& inode = *find(record.attributes.inode);
  for (const InodeName& name : record.names) {
    const auto parent = find_directory(name.parent);
    std::string_view fault;
    if (!parent) {
      fault = "the directory is not known";
    } else if ((*parent)->directory->find(name.name)) {
      fault = "a later change gave the name to another inode";
    } else if (inode.is_directory() && is_below(name.parent, inode.id())) {
      fault = "the directory lies below it";
    } else {
      add_name(**parent, name.name, inode);
      continue;
    }
    report.faults.push_back(fmt::format("inode {} lost its name '{}' in directory {}: {}",
                                        inode.id().value, name.name, name.parent.value, fault));
  }
}

void Namespace::restore_lost(Inode& inode, RestoreReport& report) {
  Inode& root = *find(kRootInode);
  Inode* home = &root;
  if (const auto found = root.directory->find(kLostAndFound)) {
    if (find(*found)->is_directory()) home = find(*found);
  } else {
    home =
        &add_inode({.mode = S_IFDIR | 0700}, {root.attributes.uid, root.attributes.gid}, nullptr);
    ++name_sequence_;
    add_name(root, kLostAndFound, *home);
  }
  std::string name = fmt::format("#{}", inode.id().value);
  while (home->directory->find(name)) name += '#';
  ++name_sequence_;
  add_name(*home, name, inode);
  report.lost.push_back(inode.id());
  report.faults.push_back(fmt::format("inode {} is now '{}{}'", inode.id().value,
                                      home == &root ? "/" : "/lost+found/", name));
}

RestoreReport Namespace::restore(std::vector<InodeRecord> records) {
  const std::unique_lock lock(mutex_);
  VFSPROF_CHECK(inodes_.size() == 1);
  RestoreReport report;
  // The last change first: of two records that claim a name, or that close a loop, the later one
  // holds.
  std::ranges::sort(records, [](const InodeRecord& a, const InodeRecord& b) {
    return std::tuple(b.name_sequence, a.attributes.inode) <
           std::tuple(a.name_sequence, b.attributes.inode);
  });
  std::erase_if(records, [&](const InodeRecord& record) {
    name_sequence_ = std::max(name_sequence_, record.name_sequence);
    return restore_inode(record, report) == nullptr;
  });
  for (const InodeRecord& record : records) restore_names(record, report);
  for (const InodeRecord& record : records) {
    Inode& inode = *find(record.attributes.inode);
    if (inode.names.empty() && inode.id() != kRootInode) {
      restore_lost(inode, report);
    } else {
      inode.name_sequence = record.name_sequence;
    }
  }
  for (const InodeRecord& record : records) {
    Attributes& attributes = find(record.attributes.inode)->attributes;
    attributes.mode = record.attributes.mode;
    attributes.uid = record.attributes.uid;
    attributes.gid = record.attributes.gid;
    attributes.accessed = record.attributes.accessed;
    attributes.changed = record.attributes.changed;
    if (!S_ISREG(attributes.mode)) attributes.modified = record.attributes.modified;
  }
  return report;
}

std::string Namespace::store_key(InodeId inode) const {
  const std::shared_lock lock(mutex_);
  const Inode* const found = find(inode);
  return found == nullptr ? std::string() : found->store_key;
}

std::string Namespace::removed_store_key(InodeId inode) const {
  const std::shared_lock lock(mutex_);
  const auto found = removed_store_keys_.find(inode.value);
  return found == removed_store_keys_.end() ? std::string() : found->second;
}

Result<InodeId> Namespace::add_object(std::string_view key) {
  const std::unique_lock lock(mutex_);
  if (const auto known = objects_.find(std::string(key)); known != objects_.end()) {
    return known->second;
  }
  for (const auto part : std::views::split(key, '/')) {
    const int error = check_entry_name(std::string_view(part.begin(), part.end()));
    if (error != 0) return fail(error);
  }
  Inode* directory = find(kRootInode);
  const Caller owner{directory->attributes.uid, directory->attributes.gid};
  std::string_view rest = key;
  for (auto slash = rest.find('/'); slash != rest.npos; slash = rest.find('/')) {
    const std::string_view name = rest.substr(0, slash);
    rest.remove_prefix(slash + 1);
    const auto child = directory->directory->find(name);
    Inode* next = child ? find(*child) : nullptr;
    if (next == nullptr) {
      if (directory->attributes.links >= kMaxLinks) return fail(EMLINK);
      ++name_sequence_;
      next = &add_inode({.mode = S_IFDIR | 0755}, owner, directory);
      add_name(*directory, name, *next);
    }
    if (!next->is_directory()) return fail(ENOTDIR);
    directory = next;
  }
  if (directory->directory->find(rest)) return fail(EEXIST);
  ++name_sequence_;
  Inode& inode = add_inode({.mode = S_IFREG | 0644}, owner, directory);
  add_name(*directory, rest, inode);
  inode.store_key = key;
  objects_.emplace(inode.store_key, inode.id());
  return inode.id();
}

}  // namespace vfsprof::vfs
