#pragma once

#include <cstddef>
#include <string_view>

#include "vfs/copy/copy.h"
#include "vfs/engine.h"

namespace vfsprof::vfs {

/// The write owns its payload while it waits for a worker, which copies it into the block.
/// Cost: two copies and one allocation a write.
/// Source: the two copies that opportunity 2 of the analysis document counts.
struct Double {
  static constexpr std::string_view kName = "double";
  static constexpr std::string_view kSummary =
      "two copies: for the hand-over, into the block, as the document counts them";
  static constexpr bool kKeepsPages = false;

  static StagedPayload stage(const Payload& payload) { return staged_copy_of(payload); }
  static void put(BlockBytes& data, std::size_t offset, const PayloadPart& part) {
    data.write(offset, part);
  }
};

}  // namespace vfsprof::vfs
