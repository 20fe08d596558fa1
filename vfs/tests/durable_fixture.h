#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "vfs/durability/durable_tree.h"
#include "vfs/store/memory_store.h"
#include "vfs/tests/error_of.h"
#include "vfs/tests/temporary_directory.h"

namespace vfsprof::vfs {

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

inline std::size_t files_in(const TemporaryDirectory& directory, std::string_view folder) {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(directory.path() / folder), {}));
}

inline std::string read_cached(const DiskCache& cache, InodeId inode) {
  std::string text(cache.file_size(inode).value().value_or(0), '\0');
  const auto got = cache.read(inode, 0, std::as_writable_bytes(std::span(text)));
  EXPECT_EQ(got.value_or(0), text.size());
  return text;
}

/// Content as the smallest engine would keep it: whole files, dirty until written back.
class TestContents final : public FileContents {
 public:
  explicit TestContents(DiskCache& cache) : cache_(cache) {}

  void write(InodeId inode, std::string_view text) {
    const std::lock_guard lock(mutex_);
    dirty_[inode.value] = text;
  }
  Result<void> write_back(InodeId inode) override {
    return write_back(inode, Durability::kOnRequest);
  }
  Result<void> write_back(InodeId inode, Durability durability) {
    const std::lock_guard lock(mutex_);
    const auto text = dirty_.find(inode.value);
    if (text == dirty_.end()) return {};
    auto written = cache_.write_file(inode, bytes_of(text->second), durability);
    if (written) dirty_.erase(text);
    return written;
  }
  void complete(Attributes& attributes) override { attributes.modified = {7, 8}; }
  void gone(InodeId inode) override {
    const std::lock_guard lock(mutex_);
    dirty_.erase(inode.value);
  }

 private:
  DiskCache& cache_;
  std::mutex mutex_;
  std::map<std::uint64_t, std::string> dirty_;
};

/// The cache directory mounted, so to speak. Destroying it is what kill -9 does: what is in memory
/// is lost.
class TestMount {
 public:
  explicit TestMount(const std::filesystem::path& directory) : cache(directory) {
    auto recovered = tree.recover(store);
    EXPECT_TRUE(recovered);
    if (recovered) recovery = std::move(*recovered);
  }

  InodeId make(EntryName entry, mode_t mode = S_IFREG | 0644) {
    const auto made = tree.names().create_node(entry, {mode}, {});
    EXPECT_TRUE(made) << entry.name;
    if (!made) return {};
    tree.names().forget(made->inode, 1);
    return made->inode;
  }
  InodeId make(std::string_view name, mode_t mode = S_IFREG | 0644) {
    return make({kRootInode, name}, mode);
  }
  /// A file with content, as close leaves it.
  InodeId save(EntryName entry, std::string_view text) {
    const InodeId inode = make(entry);
    contents.write(inode, text);
    EXPECT_TRUE(contents.write_back(inode));
    return inode;
  }
  /// A file with content, as fsync leaves it.
  InodeId save_durably(EntryName entry, std::string_view text) {
    const InodeId inode = make(entry);
    contents.write(inode, text);
    EXPECT_EQ(fsync(inode), 0);
    return inode;
  }
  int fsync(InodeId inode, SyncScope scope = SyncScope::kDataAndMetadata) {
    const auto written = contents.write_back(inode, Durability::kDurable);
    return written ? error_of(tree.sync(inode, scope)) : error_of(written);
  }
  int rename(EntryName from, EntryName to, RenameFlags flags = {}) {
    return error_of(tree.rename(from, to, flags));
  }
  /// The inode of a path such as "a/b", 0 if there is none.
  InodeId find(std::string_view path) {
    InodeId at = kRootInode;
    while (!path.empty()) {
      const auto slash = std::min(path.find('/'), path.size());
      const auto found = tree.names().lookup({at, path.substr(0, slash)});
      if (!found) return {};
      tree.names().forget(found->inode, 1);
      at = found->inode;
      path.remove_prefix(std::min(path.size(), slash + 1));
    }
    return at;
  }
  /// What the cache has as the content of a path; empty if there is no such file.
  std::optional<std::string> content(std::string_view path) {
    const InodeId inode = find(path);
    if (inode == InodeId{}) return std::nullopt;
    return read_cached(cache, inode);
  }
  Attributes attributes(std::string_view path) {
    return tree.names().attributes(find(path)).value_or(Attributes{});
  }

  DiskCache cache;
  TestContents contents{cache};
  MemoryStore store;
  DurableTree tree{cache, contents};
  DurableTree::Recovery recovery;
};

}  // namespace vfsprof::vfs
