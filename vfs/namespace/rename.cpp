#include <mutex>

#include "vfs/base/file_clock.h"
#include "vfs/namespace/inode.h"
#include "vfs/namespace/namespace.h"

namespace vfsprof::vfs {

/// Whether `inode` is `ancestor` or lies below it.
bool Namespace::is_below(InodeId inode, InodeId ancestor) const {
  const Inode* at = find(inode);
  while (at->id() != ancestor) {
    if (at->names.empty()) return false;
    at = find(at->names.front().parent);
  }
  return true;
}

/// Whether `source` may take the place of `target`.
Result<void> Namespace::check_replace(const Inode& source, const Inode& target) {
  if (source.is_directory() && !target.is_directory()) return fail(ENOTDIR);
  if (!source.is_directory() && target.is_directory()) return fail(EISDIR);
  if (target.is_directory() && !target.directory->empty()) return fail(ENOTEMPTY);
  return {};
}

/// Whether a directory that changes its parent gives the new one more links than it may have.
bool Namespace::exceeds_links(const Inode& from_directory, const Inode& source,
                              const Inode& to_directory, const Inode* target, RenameFlags flags) {
  if (&from_directory == &to_directory) return false;
  const bool target_is_directory = target != nullptr && target->is_directory();
  if (source.is_directory() && !target_is_directory) {
    return to_directory.attributes.links >= kMaxLinks;
  }
  return flags.exchange && target_is_directory && !source.is_directory() &&
         from_directory.attributes.links >= kMaxLinks;
}

/// Lets two names change their inodes; both entries keep their cookies.
void Namespace::exchange(EntryName from, Inode& source, EntryName to, Inode& target) {
  Inode& from_directory = *find(from.parent);
  Inode& to_directory = *find(to.parent);
  const timespec now = file_time_now();
  const auto move = [&](Inode& inode, EntryName old_name, EntryName new_name) {
    for (InodeName& one : inode.names) {
      if (one.parent != old_name.parent || one.name != old_name.name) continue;
      one = {new_name.parent, std::string(new_name.name)};
      break;
    }
    if (inode.is_directory()) {
      --find(old_name.parent)->attributes.links;
      ++find(new_name.parent)->attributes.links;
    }
    inode.name_sequence = name_sequence_;
    inode.attributes.changed = now;
  };
  from_directory.directory->assign(from.name, target.id());
  to_directory.directory->assign(to.name, source.id());
  move(source, from, to);
  move(target, to, from);
  from_directory.attributes.modified = from_directory.attributes.changed = now;
  to_directory.attributes.modified = to_directory.attributes.changed = now;
}

/// Puts `source` in the place of `target`; the entry keeps its cookie, so that a listing under way
/// neither misses the name nor shows it twice.
void Namespace::replace(EntryName from, Inode& source, EntryName to, Inode& target) {
  Inode& to_directory = *find(to.parent);
  exchange(from, source, to, target);
  remove_name(*find(from.parent), from.name, target);
  if (target.is_directory()) target.attributes.links = 0;
  to_directory.attributes.changed = source.attributes.changed;
}

Result<Namespace::Renamed> Namespace::rename(EntryName from, EntryName to, RenameFlags flags) {
  if (flags.no_replace && flags.exchange) return fail(EINVAL);
  GoneList gone(gone_);
  const std::unique_lock lock(mutex_);
  const auto from_directory = find_directory(from.parent);
  if (!from_directory) return Failure(from_directory.error());
  const auto to_directory = find_directory(to.parent);
  if (!to_directory) return Failure(to_directory.error());
  const auto found_source = find_child(**from_directory, from.name);
  if (!found_source) return Failure(found_source.error());
  if (const int error = check_entry_name(to.name); error != 0) return fail(error);
  if ((*to_directory)->attributes.links == 0) return fail(ENOENT);
  Inode& source = **found_source;
  const auto found_target = find_child(**to_directory, to.name);
  Inode* const target = found_target.value_or(nullptr);

  if (target != nullptr && flags.no_replace) return fail(EEXIST);
  if (target == nullptr && flags.exchange) return fail(ENOENT);
  if (target == &source) return Renamed{source.id(), std::nullopt, false};
  if (source.is_directory() && is_below(to.parent, source.id())) return fail(EINVAL);
  if (flags.exchange && target->is_directory() && is_below(from.parent, target->id())) {
    return fail(EINVAL);
  }
  if (target != nullptr && !flags.exchange) {
    if (const auto allowed = check_replace(source, *target); !allowed) {
      return Failure(allowed.error());
    }
  }
  if (exceeds_links(**from_directory, source, **to_directory, target, flags)) {
    return fail(EMLINK);
  }

  ++name_sequence_;
  Renamed renamed{source.id(), std::nullopt, true};
  if (target != nullptr) renamed.other = target->id();
  if (flags.exchange) {
    exchange(from, source, to, *target);
  } else if (target != nullptr) {
    replace(from, source, to, *target);
    drop_if_unused(*target, gone);
  } else {
    remove_name(**from_directory, from.name, source);
    add_name(**to_directory, to.name, source);
  }
  return renamed;
}

}  // namespace vfsprof::vfs
