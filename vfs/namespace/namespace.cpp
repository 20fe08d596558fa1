#include "vfs/namespace/namespace.h"

#include <algorithm>
#include <mutex>

#include "vfs/base/check.h"
#include "vfs/base/file_clock.h"
#include "vfs/namespace/inode.h"

namespace vfsprof::vfs {

namespace {
constexpr std::size_t kMaxSymlinkBytes = 4095;  // PATH_MAX without its terminator
}  // namespace

int check_entry_name(std::string_view name) {
  if (name.empty() || name == "." || name == "..") return EINVAL;
  if (name.size() > Namespace::kMaxNameBytes) return ENAMETOOLONG;
  if (name.find('/') != name.npos || name.find('\0') != name.npos) return EINVAL;
  return 0;
}

Namespace::Namespace(Caller owner, GoneCallback gone)
    : next_inode_(kRootInode.value), gone_(std::move(gone)) {
  Inode& root = add_inode({.mode = S_IFDIR | 0755}, owner, nullptr);
  VFSPROF_CHECK(root.id() == kRootInode);
}

Namespace::~Namespace() = default;

Namespace::Inode* Namespace::find(InodeId inode) const {
  const auto found = inodes_.find(inode.value);
  return found == inodes_.end() ? nullptr : found->second.get();
}

Result<Namespace::Inode*> Namespace::find_directory(InodeId inode) const {
  Inode* const found = find(inode);
  if (found == nullptr) return fail(ESTALE);
  if (!found->is_directory()) return fail(ENOTDIR);
  return found;
}

Result<Namespace::Inode*> Namespace::find_child(const Inode& directory,
                                                std::string_view name) const {
  if (name.size() > kMaxNameBytes) return fail(ENAMETOOLONG);
  const auto inode = directory.directory->find(name);
  if (!inode) return fail(ENOENT);
  return find(*inode);
}

/// The directory in which a new entry may be made.
Result<Namespace::Inode*> Namespace::prepare_new_entry(EntryName entry) const {
  const auto directory = find_directory(entry.parent);
  if (!directory) return directory;
  if (const int error = check_entry_name(entry.name); error != 0) return fail(error);
  if ((*directory)->attributes.links == 0) return fail(ENOENT);  // removed, and still open
  if ((*directory)->directory->find(entry.name)) return fail(EEXIST);
  return directory;
}

Namespace::Inode& Namespace::add_inode(NewNode node, Caller caller, const Inode* parent) {
  auto inode = std::make_unique<Inode>();
  Attributes& attributes = inode->attributes;
  attributes.inode = InodeId{next_inode_++};
  attributes.mode = node.mode;
  attributes.uid = caller.uid;
  attributes.gid = caller.gid;
  if (S_ISCHR(node.mode) || S_ISBLK(node.mode)) attributes.device = node.device;
  attributes.accessed = attributes.changed = file_time_now();
  if (!S_ISREG(node.mode)) attributes.modified = attributes.changed;
  if (S_ISDIR(node.mode)) {
    inode->directory = std::make_unique<Directory>();
    attributes.links = 2;
    attributes.size = 2 * kBytesPerEntry;
  }
  if (parent != nullptr && (parent->attributes.mode & S_ISGID) != 0) {
    attributes.gid = parent->attributes.gid;
    if (S_ISDIR(node.mode)) attributes.mode |= S_ISGID;
  }
  Inode& added = *inode;
  inodes_.emplace(attributes.inode.value, std::move(inode));
  return added;
}

void Namespace::add_name(Inode& directory, std::string_view name, Inode& inode) {
  directory.directory->insert(name, inode.id());
  directory.attributes.size += kBytesPerEntry;
  inode.names.push_back({directory.id(), std::string(name)});
  inode.name_sequence = name_sequence_;
  ++(inode.is_directory() ? directory : inode).attributes.links;
  inode.attributes.changed = file_time_now();
  directory.attributes.modified = directory.attributes.changed = inode.attributes.changed;
}

void Namespace::remove_name(Inode& directory, std::string_view name, Inode& inode) {
  const auto position = std::ranges::find_if(inode.names, [&](const InodeName& one) {
    return one.parent == directory.id() && one.name == name;
  });
  VFSPROF_CHECK(position != inode.names.end());
  directory.directory->erase(name);
  directory.attributes.size -= kBytesPerEntry;
  inode.names.erase(position);
  inode.name_sequence = name_sequence_;
  --(inode.is_directory() ? directory : inode).attributes.links;
  inode.attributes.changed = file_time_now();
  directory.attributes.modified = directory.attributes.changed = inode.attributes.changed;
}

void Namespace::drop_if_unused(Inode& inode, GoneList& gone) {
  if (inode.attributes.links > 0) return;
  const InodeId id = inode.id();
  if (!inode.store_key.empty()) removed_store_keys_.try_emplace(id.value, inode.store_key);
  if (inode.lookups > 0 || inode.opens > 0) return;
  if (!inode.store_key.empty()) objects_.erase(inode.store_key);
  inodes_.erase(id.value);
  gone.add(id);
}

Result<Attributes> Namespace::lookup(EntryName entry) {
  // Exclusive, as the lookup is counted.
  const std::unique_lock lock(mutex_);
  const auto directory = find_directory(entry.parent);
  if (!directory) return Failure(directory.error());
  const auto child = find_child(**directory, entry.name);
  if (!child) return Failure(child.error());
  ++(*child)->lookups;
  return (*child)->attributes;
}

void Namespace::forget(InodeId inode, std::uint64_t lookups) {
  GoneList gone(gone_);
  const std::unique_lock lock(mutex_);
  Inode* const found = find(inode);
  if (found == nullptr) return;
  found->lookups -= std::min(found->lookups, lookups);
  drop_if_unused(*found, gone);
}

Result<Attributes> Namespace::create_node(EntryName entry, NewNode node, Caller caller,
                                          const MadeCallback& made) {
  if ((node.mode & S_IFMT) == 0) node.mode |= S_IFREG;
  if (S_ISLNK(node.mode)) return fail(EINVAL);
  const std::unique_lock lock(mutex_);
  const auto directory = prepare_new_entry(entry);
  if (!directory) return Failure(directory.error());
  Inode& parent = **directory;
  if (S_ISDIR(node.mode) && parent.attributes.links >= kMaxLinks) return fail(EMLINK);
  ++name_sequence_;
  Inode& inode = add_inode(node, caller, &parent);
  add_name(parent, entry.name, inode);
  ++inode.lookups;
  if (made) made(inode.attributes);
  return inode.attributes;
}

Result<Attributes> Namespace::create_symlink(EntryName entry, std::string_view target,
                                             Caller caller) {
  if (target.empty()) return fail(ENOENT);
  if (target.size() > kMaxSymlinkBytes) return fail(ENAMETOOLONG);
  const std::unique_lock lock(mutex_);
  const auto directory = prepare_new_entry(entry);
  if (!directory) return Failure(directory.error());
  ++name_sequence_;
  Inode& inode = add_inode({.mode = S_IFLNK | 0777}, caller, *directory);
  inode.symlink_target = target;
  inode.attributes.size = target.size();
  add_name(**directory, entry.name, inode);
  ++inode.lookups;
  return inode.attributes;
}

Result<Attributes> Namespace::link(InodeId inode, EntryName entry) {
  const std::unique_lock lock(mutex_);
  Inode* const found = find(inode);
  if (found == nullptr) return fail(ESTALE);
  if (found->is_directory()) return fail(EPERM);
  const auto directory = prepare_new_entry(entry);
  if (!directory) return Failure(directory.error());
  if (found->attributes.links == 0) return fail(ENOENT);
  if (found->attributes.links >= kMaxLinks) return fail(EMLINK);
  ++name_sequence_;
  add_name(**directory, entry.name, *found);
  ++found->lookups;
  return found->attributes;
}

Result<InodeId> Namespace::unlink(EntryName entry) {
  GoneList gone(gone_);
  const std::unique_lock lock(mutex_);
  const auto directory = find_directory(entry.parent);
  if (!directory) return Failure(directory.error());
  const auto child = find_child(**directory, entry.name);
  if (!child) return Failure(child.error());
  Inode& inode = **child;
  if (inode.is_directory()) return fail(EISDIR);
  const InodeId id = inode.id();
  ++name_sequence_;
  remove_name(**directory, entry.name, inode);
  drop_if_unused(inode, gone);
  return id;
}

Result<InodeId> Namespace::remove_directory(EntryName entry) {
  GoneList gone(gone_);
  const std::unique_lock lock(mutex_);
  const auto directory = find_directory(entry.parent);
  if (!directory) return Failure(directory.error());
  if (entry.name == ".") return fail(EINVAL);
  if (entry.name == "..") return fail(ENOTEMPTY);
  const auto child = find_child(**directory, entry.name);
  if (!child) return Failure(child.error());
  Inode& inode = **child;
  if (!inode.is_directory()) return fail(ENOTDIR);
  if (!inode.directory->empty()) return fail(ENOTEMPTY);
  const InodeId id = inode.id();
  ++name_sequence_;
  remove_name(**directory, entry.name, inode);
  inode.attributes.links = 0;
  drop_if_unused(inode, gone);
  return id;
}

Result<std::string> Namespace::read_symlink(InodeId inode) const {
  const std::shared_lock lock(mutex_);
  const Inode* const found = find(inode);
  if (found == nullptr) return fail(ESTALE);
  if (!S_ISLNK(found->attributes.mode)) return fail(EINVAL);
  return found->symlink_target;
}

Result<void> Namespace::read_directory(InodeId directory, std::uint64_t cookie,
                                       const DirectoryVisitor& visit) const {
  const std::shared_lock lock(mutex_);
  const auto found = find_directory(directory);
  if (!found) return Failure(found.error());
  const Inode& self = **found;
  if (cookie < Directory::kSelfCookie &&
      !visit({".", self.id(), S_IFDIR, Directory::kSelfCookie})) {
    return {};
  }
  const InodeId parent = self.names.empty() ? self.id() : self.names.front().parent;
  if (cookie < Directory::kParentCookie &&
      !visit({"..", parent, S_IFDIR, Directory::kParentCookie})) {
    return {};
  }
  const auto& entries = self.directory->entries();
  for (auto entry = entries.upper_bound(cookie); entry != entries.end(); ++entry) {
    const mode_t type = find(entry->second.inode)->attributes.mode & S_IFMT;
    if (!visit({entry->second.name, entry->second.inode, type, entry->first})) break;
  }
  return {};
}

Result<Attributes> Namespace::attributes(InodeId inode) const {
  const std::shared_lock lock(mutex_);
  const Inode* const found = find(inode);
  if (found == nullptr) return fail(ESTALE);
  return found->attributes;
}

Result<Attributes> Namespace::set_attributes(InodeId inode, const AttributeChange& change) {
  const std::unique_lock lock(mutex_);
  Inode* const found = find(inode);
  if (found == nullptr) return fail(ESTALE);
  Attributes& attributes = found->attributes;
  if (change.mode) {
    attributes.mode = (attributes.mode & S_IFMT) | (*change.mode & ~static_cast<mode_t>(S_IFMT));
  }
  attributes.uid = change.uid.value_or(attributes.uid);
  attributes.gid = change.gid.value_or(attributes.gid);
  attributes.accessed = change.accessed.value_or(attributes.accessed);
  if (!found->is_regular()) attributes.modified = change.modified.value_or(attributes.modified);
  attributes.changed = file_time_now();
  return attributes;
}

std::uint64_t Namespace::inode_count() const {
  const std::shared_lock lock(mutex_);
  return inodes_.size();
}

Result<void> Namespace::add_open(InodeId inode) {
  const std::unique_lock lock(mutex_);
  Inode* const found = find(inode);
  if (found == nullptr) return fail(ESTALE);
  ++found->opens;
  return {};
}

void Namespace::drop_open(InodeId inode) {
  GoneList gone(gone_);
  const std::unique_lock lock(mutex_);
  Inode* const found = find(inode);
  VFSPROF_CHECK(found != nullptr && found->opens > 0);
  --found->opens;
  drop_if_unused(*found, gone);
}

}  // namespace vfsprof::vfs
