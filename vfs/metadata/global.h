#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "vfs/metadata/metadata.h"

namespace vfsprof::vfs {

/// One table of all files under one reader-writer lock.
/// Cost: each call is one lock and one look-up; a write makes three, the last of them exclusive.
/// Source: the dirty table of the system in the analysis document.
class Global {
 public:
  static constexpr std::string_view kName = "global";
  static constexpr std::string_view kSummary =
      "one reader-writer-locked table of size, times and dirty chunks, as found";

  void add(InodeId inode, const FileStart& start) {
    const std::lock_guard lock(mutex_);
    files_.insert_or_assign(inode.value, File{.extent = start.extent,
                                              .modified = start.modified,
                                              .changed = start.modified,
                                              .dirty = {}});
  }

  void drop(InodeId inode) {
    const std::lock_guard lock(mutex_);
    files_.erase(inode.value);
  }

  bool is_dirty(InodeId inode) {
    const std::shared_lock lock(mutex_);
    const File* const file = find(inode);
    return file != nullptr && file->is_dirty();
  }

  Result<Extent> extent(InodeId inode) {
    const std::shared_lock lock(mutex_);
    const File* const file = find(inode);
    if (file == nullptr) return fail(ESTALE);
    return file->extent;
  }

  Result<void> record_write(InodeId inode, const WriteRecord& record) {
    const std::lock_guard lock(mutex_);
    File* const file = find(inode);
    if (file == nullptr) return fail(ESTALE);
    file->changed_at(record.now);
    file->extent.size = std::max(file->extent.size, record.end);
    for (std::uint64_t chunk = record.first.value; chunk <= record.last.value; ++chunk) {
      file->dirty[chunk] = file->changes;
    }
    return {};
  }

  Result<void> resize(InodeId inode, std::uint64_t size, const timespec& now) {
    const std::lock_guard lock(mutex_);
    File* const file = find(inode);
    if (file == nullptr) return fail(ESTALE);
    file->changed_at(now);
    file->extent.size = size;
    file->extent.backing_bytes = std::min(file->extent.backing_bytes, size);
    return {};
  }

  void set_modified(InodeId inode, const timespec& time) {
    const std::lock_guard lock(mutex_);
    if (File* const file = find(inode)) file->modified = time;
  }

  void complete(Attributes& attributes) {
    const std::shared_lock lock(mutex_);
    const File* const file = find(attributes.inode);
    if (file == nullptr) return;
    attributes.size = file->extent.size;
    attributes.modified = file->modified;
    const auto key = [](const timespec& time) { return std::tuple(time.tv_sec, time.tv_nsec); };
    attributes.changed = std::ranges::max(attributes.changed, file->changed, {}, key);
  }

  std::optional<DirtyFile> begin_write_back(InodeId inode) {
    const std::shared_lock lock(mutex_);
    const File* const file = find(inode);
    if (file == nullptr || !file->is_dirty()) return {};
    DirtyFile dirty{.size = file->extent.size, .changes = file->changes, .chunks = {}};
    dirty.chunks.reserve(file->dirty.size());
    for (const auto& [chunk, change] : file->dirty) {
      dirty.chunks.push_back({static_cast<std::uint32_t>(chunk)});
    }
    return dirty;
  }

  void end_write_back(InodeId inode, const DirtyFile& dirty) {
    const std::lock_guard lock(mutex_);
    File* const file = find(inode);
    if (file == nullptr) return;
    file->written_back = dirty.changes;
    file->extent.backing = Backing::kCache;
    file->extent.backing_bytes = dirty.size;
    std::erase_if(file->dirty, [&](const auto& entry) { return entry.second <= dirty.changes; });
  }

  std::vector<InodeId> dirty_files() {
    const std::shared_lock lock(mutex_);
    std::vector<InodeId> inodes;
    for (const auto& [inode, file] : files_) {
      if (file.is_dirty()) inodes.push_back({inode});
    }
    return inodes;
  }

 private:
  struct File {
    Extent extent;
    timespec modified{};
    timespec changed{};
    std::uint64_t changes = 0;
    std::uint64_t written_back = 0;  ///< the value of `changes` whose result is in the cache
    std::unordered_map<std::uint64_t, std::uint64_t> dirty;  ///< chunk to its latest change

    bool is_dirty() const { return changes != written_back; }
    void changed_at(const timespec& now) {
      ++changes;
      modified = changed = now;
    }
  };

  File* find(InodeId inode) {
    const auto found = files_.find(inode.value);
    return found == files_.end() ? nullptr : &found->second;
  }

  std::shared_mutex mutex_;  // guards the table; taken last of all locks
  std::unordered_map<std::uint64_t, File> files_;
};

}  // namespace vfsprof::vfs
