#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "vfs/copy/copy.h"
#include "vfs/engine.h"

namespace vfsprof::vfs {

/// The write owns its payload while it waits for a worker, and each chunk's part is copied into a
/// vector of its own before it goes into the block. Cost: three copies and two allocations a write
/// of one chunk. Source: the `to_vec` calls that opportunity 2 of the analysis document would
/// remove.
struct Triple {
  static constexpr std::string_view kName = "triple";
  static constexpr std::string_view kSummary =
      "three copies: for the hand-over, in the write, into the block, as found";

  static StagedPayload stage(std::span<const std::byte> payload) {
    StagedPayload staged{.owned = copy_of(payload), .bytes = {}};
    staged.bytes = staged.owned;
    return staged;
  }
  static std::vector<std::byte> take(std::span<const std::byte> bytes) { return copy_of(bytes); }
};

}  // namespace vfsprof::vfs
