#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "vfs/flush/batched.h"
#include "vfs/flush/flush.h"

namespace vfsprof::vfs {

/// As `batched`, in pieces of 1 MiB of which several are under way in an io_uring: the next is
/// copied while the disk writes. Writes that let the file grow are kept in order, one at a time.
/// Cost: the file systems of Linux let a file grow only in a thread that may block, so for each
/// such write the kernel wakes one of the ring's workers (`iou-wrk-...`).
/// Source: io_uring(7).
class Uring final : public FlushStrategy {
 public:
  static constexpr std::string_view kName = "uring";
  static constexpr std::string_view kSummary =
      "as batched, through io_uring: copies while the disk writes";

  /// Errors: FlushUnavailable if the kernel gives no io_uring.
  Uring();
  ~Uring() override;

  Result<void> write_back(const FileImage& file, DiskCache& cache, Durability durability) override;
  std::optional<WriteBehind> write_behind() const override { return kWriteBehindBatches; }

 private:
  struct Rings;
  std::unique_ptr<Rings> rings_;
};

}  // namespace vfsprof::vfs
