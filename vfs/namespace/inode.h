#pragma once

#include <sys/stat.h>
#include <time.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "vfs/namespace/directory.h"
#include "vfs/namespace/namespace.h"

namespace vfsprof::vfs {

/// An inode in memory. Guarded by the namespace's lock.
struct Namespace::Inode {
  Attributes attributes;
  std::uint64_t lookups = 0;
  std::uint64_t opens = 0;
  std::uint64_t name_sequence = 0;
  std::vector<InodeName> names;  ///< at most one for a directory, none for the root
  std::string symlink_target;
  std::string store_key;
  std::unique_ptr<Directory> directory;  ///< only of a directory

  InodeId id() const { return attributes.inode; }
  bool is_directory() const { return directory != nullptr; }
  bool is_regular() const { return S_ISREG(attributes.mode); }
};

/// Collects inodes that go while the lock is held, and reports them when it goes out of scope:
/// declare it above the lock guard.
class Namespace::GoneList {
 public:
  explicit GoneList(const GoneCallback& callback) : callback_(callback) {}
  ~GoneList() {
    for (const InodeId inode : inodes_) callback_(inode);
  }
  GoneList(const GoneList&) = delete;
  GoneList& operator=(const GoneList&) = delete;
  void add(InodeId inode) { inodes_.push_back(inode); }

 private:
  const GoneCallback& callback_;
  std::vector<InodeId> inodes_;
};

inline timespec wall_clock_now() {
  timespec now{};
  // To the tick, as writes have it: no file is written before it was made.
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return now;
}

/// 0, EINVAL or ENAMETOOLONG.
int check_entry_name(std::string_view name);

}  // namespace vfsprof::vfs
