#pragma once

#include <cerrno>
#include <cstdint>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string_view>
#include <unordered_map>

#include "vfs/counted_mutex.h"
#include "vfs/metadata/file_state.h"
#include "vfs/metadata/metadata.h"
#include "vfs/no_file_part.h"

namespace vfsprof::vfs {

/// One table of all files under one reader-writer lock.
/// Cost: each call is one lock and one look-up; a write makes three, the last of them exclusive.
/// Source: the dirty table of the system in the analysis document.
class Global {
 public:
  static constexpr std::string_view kName = "global";
  static constexpr std::string_view kSummary =
      "one reader-writer-locked table of size, times and dirty chunks, as found";
  using PerFile = NoFilePart;

  void add(PerFile&, InodeId inode, const FileStart& start) {
    const std::lock_guard lock(mutex_);
    files_.insert_or_assign(inode.value, FileState(start));
  }

  void drop(PerFile&, InodeId inode) {
    const std::lock_guard lock(mutex_);
    files_.erase(inode.value);
  }

  bool is_dirty(const PerFile&, InodeId inode) {
    const std::shared_lock lock(mutex_);
    const FileState* const file = find(inode);
    return file != nullptr && file->is_dirty();
  }

  Result<Extent> extent(const PerFile&, InodeId inode) {
    const std::shared_lock lock(mutex_);
    const FileState* const file = find(inode);
    if (file == nullptr) return fail(ESTALE);
    return file->extent();
  }

  Result<void> record_write(PerFile&, InodeId inode, const WriteRecord& record) {
    return change(inode, [&](FileState& file) { file.record_write(record); });
  }

  Result<void> resize(PerFile&, InodeId inode, std::uint64_t size, const timespec& now) {
    return change(inode, [&](FileState& file) { file.resize(size, now); });
  }

  void set_modified(PerFile&, InodeId inode, const timespec& time) {
    (void)change(inode, [&](FileState& file) { file.set_modified(time); });
  }

  void complete(const PerFile&, Attributes& attributes) {
    const std::shared_lock lock(mutex_);
    if (const FileState* const file = find(attributes.inode)) file->complete(attributes);
  }

  std::optional<DirtyFile> begin_write_back(PerFile&, InodeId inode) {
    const std::shared_lock lock(mutex_);
    const FileState* const file = find(inode);
    return file == nullptr ? std::nullopt : file->begin_write_back();
  }

  void end_write_back(PerFile&, InodeId inode, const DirtyFile& dirty) {
    (void)change(inode, [&](FileState& file) { file.end_write_back(dirty); });
  }

 private:
  FileState* find(InodeId inode) {
    const auto found = files_.find(inode.value);
    return found == files_.end() ? nullptr : &found->second;
  }

  template <class Change>
  Result<void> change(InodeId inode, Change&& apply) {
    const std::lock_guard lock(mutex_);
    FileState* const file = find(inode);
    if (file == nullptr) return fail(ESTALE);
    apply(*file);
    return {};
  }

  CountedMutex<std::shared_mutex> mutex_{
      "metadata.mutex"};  // guards the table; taken last of all locks
  std::unordered_map<std::uint64_t, FileState> files_;
};

}  // namespace vfsprof::vfs
