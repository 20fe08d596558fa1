#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <tuple>
#include <unordered_map>

#include "vfs/metadata/metadata.h"

namespace vfsprof::vfs {

/// Size, content times and dirty chunks of one file, wherever a strategy keeps them.
/// Threads: as a container.
class FileState {
 public:
  FileState() = default;
  explicit FileState(const FileStart& start)
      : extent_(start.extent), modified_(start.modified), changed_(start.modified) {}

  const Extent& extent() const { return extent_; }
  bool is_dirty() const { return changes_ != written_back_; }

  void record_write(const WriteRecord& record) {
    change_at(record.now);
    extent_.size = std::max(extent_.size, record.end);
    for (std::uint64_t chunk = record.first.value; chunk <= record.last.value; ++chunk) {
      const auto found = dirty_.find(chunk);
      if (found != dirty_.end()) [[likely]] {
        found->second = changes_;
      } else {
        add_dirty(chunk);
      }
    }
  }

  void resize(std::uint64_t size, const timespec& now) {
    change_at(now);
    extent_.size = size;
    extent_.backing_bytes = std::min(extent_.backing_bytes, size);
  }

  void set_modified(const timespec& time) { modified_ = time; }

  void complete(Attributes& attributes) const {
    attributes.size = extent_.size;
    attributes.modified = modified_;
    const auto key = [](const timespec& time) { return std::tuple(time.tv_sec, time.tv_nsec); };
    attributes.changed = std::ranges::max(attributes.changed, changed_, {}, key);
  }

  std::optional<DirtyFile> begin_write_back() const {
    if (!is_dirty()) return {};
    DirtyFile dirty{.extent = extent_, .changes = changes_, .chunks = {}};
    dirty.chunks.reserve(dirty_.size());
    for (const auto& [chunk, change] : dirty_) {
      dirty.chunks.push_back({static_cast<std::uint32_t>(chunk)});
    }
    return dirty;
  }

  void end_write_back(const DirtyFile& dirty) {
    written_back_ = dirty.changes;
    extent_.backing = Backing::kCache;
    extent_.backing_bytes = dirty.extent.size;
    std::erase_if(dirty_, [&](const auto& entry) { return entry.second <= dirty.changes; });
  }

 private:
  /// Not inlined: it allocates, and a chunk becomes dirty once a write-back.
  [[gnu::noinline]] void add_dirty(std::uint64_t chunk) { dirty_.emplace(chunk, changes_); }

  void change_at(const timespec& now) {
    ++changes_;
    modified_ = changed_ = now;
  }

  Extent extent_;
  timespec modified_{};
  timespec changed_{};
  std::uint64_t changes_ = 0;
  std::uint64_t written_back_ = 0;  ///< the value of `changes_` whose result is in the cache
  std::unordered_map<std::uint64_t, std::uint64_t> dirty_;  ///< chunk to its latest change
};

}  // namespace vfsprof::vfs
