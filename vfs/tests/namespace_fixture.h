#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "vfs/namespace/namespace.h"
#include "vfs/tests/error_of.h"

namespace vfsprof::vfs {

inline constexpr Caller kOwner{1000, 1000};
inline constexpr NewNode kFile{S_IFREG | 0644};
inline constexpr NewNode kFolder{S_IFDIR | 0755};

/// A namespace that remembers which inodes it reported gone, and how often.
class NamespaceTest : public testing::Test {
 protected:
  InodeId make(EntryName entry, NewNode node = kFile) {
    const auto made = names_.create_node(entry, node, kOwner);
    EXPECT_TRUE(made) << entry.name << ": " << describe(made.error());
    return made ? made->inode : InodeId{};
  }
  InodeId make(std::string_view name, NewNode node = kFile) {
    return make({kRootInode, name}, node);
  }

  /// The inode behind a name, 0 if there is none. Leaves the lookup count as it was.
  InodeId peek(EntryName entry) {
    const auto found = names_.lookup(entry);
    if (!found) return {};
    names_.forget(found->inode, 1);
    return found->inode;
  }
  int rename(EntryName from, EntryName to, RenameFlags flags = {}) {
    const auto renamed = names_.rename(from, to, flags);
    return renamed ? 0 : renamed.error().value;
  }
  nlink_t links(InodeId inode) { return names_.attributes(inode)->links; }
  std::vector<std::string> list(InodeId directory, std::uint64_t cookie = 0) {
    std::vector<std::string> found;
    EXPECT_TRUE(names_.read_directory(directory, cookie, [&](const DirectoryEntry& entry) {
      found.emplace_back(entry.name);
      return true;
    }));
    return found;
  }

  std::mutex gone_mutex_;
  std::map<std::uint64_t, int> gone_;
  Namespace names_{kOwner, [this](InodeId inode) {
                     const std::lock_guard lock(gone_mutex_);
                     ++gone_[inode.value];
                   }};
};

}  // namespace vfsprof::vfs
