#pragma once

#include <cstddef>
#include <string_view>

#include "vfs/flush/direct_file.h"
#include "vfs/flush/flush.h"
#include "vfs/flush/recycled.h"

namespace vfsprof::vfs {

/// Changes the cache's file in place, each dirty chunk by itself: open, write through the page
/// cache, close. Cost: three system calls a chunk, and a copy more than a direct write. Source:
/// Opportunity 3 of the analysis document ("each dirty chunk is written to disk individually").
class PerChunk final : public FlushStrategy {
 public:
  static constexpr std::string_view kName = "per_chunk";
  static constexpr std::string_view kSummary =
      "each dirty chunk by itself: open, write, close; in place, through the page cache";

  Result<void> write_back(const FileImage& file, DiskCache& cache, Durability durability) override;

 private:
  static constexpr std::size_t kPieceBytes = 1 << 20;  // of a chunk that is larger
  Recycled<DirectBuffer<kPieceBytes>> buffers_;
};

}  // namespace vfsprof::vfs
