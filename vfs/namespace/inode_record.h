#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "vfs/engine.h"

namespace vfsprof::vfs {

/// A name that an inode has.
struct InodeName {
  InodeId parent;
  std::string name;
  friend bool operator==(const InodeName&, const InodeName&) = default;
};

/// The names that an inode was left with by a step that changed the names of several inodes.
struct InodeNames {
  InodeId inode;
  std::vector<InodeName> names;
  friend bool operator==(const InodeNames&, const InodeNames&) = default;
};

/// Everything that a restart must know of an inode but its content. The size of a regular file is
/// not here: it is the length of its data in the cache, or of its object in the store, so that size
/// and content cannot disagree.
struct InodeRecord {
  Attributes attributes;  ///< `links` and `size` are derived, not restored
  /// The number of the last change of names; of two that claim a name, the larger has it.
  std::uint64_t name_sequence = 0;
  std::vector<InodeName> names;  ///< empty for the root only
  std::string symlink_target;
  std::string store_key;  ///< of a file that exists in the object store, else empty
  /// Left behind for a file that was removed while its object stays in the store, so that a mount
  /// does not show it again. Stands for no inode.
  bool is_tombstone() const { return names.empty() && !store_key.empty(); }

  /// The others of the same step (rename over a target, exchange): all of it holds, or nothing.
  std::vector<InodeNames> also;
};

/// What `Namespace::restore` could not put where its record said.
struct RestoreReport {
  std::vector<InodeId> lost;        ///< what was put into /lost+found
  std::vector<std::string> faults;  ///< one sentence for each fault, naming the inode
};

}  // namespace vfsprof::vfs
