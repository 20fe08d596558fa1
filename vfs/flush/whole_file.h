#pragma once

#include <string_view>

#include "vfs/flush/flush.h"

namespace vfsprof::vfs {

/// Each write-back puts the whole file together in a new buffer and writes it under a temporary
/// name, which it renames. Cost: the file's size in memory, in copies and in bytes to the disk,
/// however little of it changed. Holes are written as zeros, so a sparse file larger than memory
/// cannot be written back (ENOMEM). Source: MaterializedCache::write_file of the system in the
/// analysis document.
class WholeFile final : public FlushStrategy {
 public:
  static constexpr std::string_view kName = "whole_file";
  static constexpr std::string_view kSummary =
      "the whole file in a new buffer, temporary name and rename, as found";

  Result<void> write_back(const FileImage& file, DiskCache& cache, Durability durability) override;
};

}  // namespace vfsprof::vfs
