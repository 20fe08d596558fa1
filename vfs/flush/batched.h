#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "vfs/flush/direct_file.h"
#include "vfs/flush/flush.h"
#include "vfs/flush/recycled.h"

namespace vfsprof::vfs {

/// When dirty files are written behind, unless one is closed before: the defaults of the analysis
/// document's BatchedWriteCache.
inline constexpr WriteBehind kWriteBehindBatches{.chunks = 100, .bytes = 100'000'000};

/// Changes the cache's file in place: dirty neighbours in one write of up to 4 MiB, past the page
/// cache. Cost: one copy of what is dirty, into a recycled buffer; the disk waits while the next
/// piece is copied. Source: Opportunity 3 of the analysis document.
class Batched final : public FlushStrategy {
 public:
  static constexpr std::string_view kName = "batched";
  static constexpr std::string_view kSummary =
      "write-behind in batches; dirty neighbours in large aligned O_DIRECT writes, in place";

  Result<void> write_back(const FileImage& file, DiskCache& cache, Durability durability) override;
  std::optional<WriteBehind> write_behind() const override { return kWriteBehindBatches; }

 private:
  static constexpr std::size_t kPieceBytes = 4 << 20;
  Recycled<DirectBuffer<kPieceBytes>> buffers_;
};

}  // namespace vfsprof::vfs
