#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>

#include "vfs/base/spin_lock.h"
#include "vfs/metadata/file_state.h"
#include "vfs/metadata/metadata.h"

namespace vfsprof::vfs {

/// Size, times and dirty chunks beside each file, under a spin lock of its own, reached from the
/// open handle.
/// Cost: each call is one spin lock without a look-up; writers of different files share nothing.
/// Source: the i_size and i_mtime of a kernel inode (fs.h), which lie in the inode too.
class PerInode {
 public:
  static constexpr std::string_view kName = "per_inode";
  static constexpr std::string_view kSummary =
      "size, times and dirty chunks beside each file, a spin lock each";

  class PerFile {
    friend class PerInode;
    mutable SpinLock lock;  // guards the state; taken last of all locks
    FileState state;
  };

  void add(PerFile& file, InodeId, const FileStart& start) {
    const std::lock_guard lock(file.lock);
    file.state = FileState(start);
  }

  /// The state goes with its file; whoever still holds that finds nothing dirty.
  void drop(PerFile& file, InodeId) {
    const std::lock_guard lock(file.lock);
    file.state = {};
  }

  bool is_dirty(const PerFile& file, InodeId) {
    const std::lock_guard lock(file.lock);
    return file.state.is_dirty();
  }

  Result<Extent> extent(const PerFile& file, InodeId) {
    const std::lock_guard lock(file.lock);
    return file.state.extent();
  }

  Result<void> record_write(PerFile& file, InodeId, const WriteRecord& record) {
    const std::lock_guard lock(file.lock);
    file.state.record_write(record);
    return {};
  }

  Result<void> resize(PerFile& file, InodeId, std::uint64_t size, const timespec& now) {
    const std::lock_guard lock(file.lock);
    file.state.resize(size, now);
    return {};
  }

  void set_modified(PerFile& file, InodeId, const timespec& time) {
    const std::lock_guard lock(file.lock);
    file.state.set_modified(time);
  }

  void complete(const PerFile& file, Attributes& attributes) {
    const std::lock_guard lock(file.lock);
    file.state.complete(attributes);
  }

  std::optional<DirtyFile> begin_write_back(PerFile& file, InodeId) {
    const std::lock_guard lock(file.lock);
    return file.state.begin_write_back();
  }

  void end_write_back(PerFile& file, InodeId, const DirtyFile& dirty) {
    const std::lock_guard lock(file.lock);
    file.state.end_write_back(dirty);
  }
};

}  // namespace vfsprof::vfs
