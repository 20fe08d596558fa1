#pragma once

#include <cstddef>
#include <string_view>
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
  static constexpr bool kKeepsPages = false;

  static StagedPayload stage(const Payload& payload) { return staged_copy_of(payload); }
  static void put(BlockBytes& data, std::size_t offset, const PayloadPart& part) {
    const std::vector<std::byte> own = copy_of(part);
    const Payload payload(own);
    data.write(offset, {.payload = payload, .offset = 0, .size = own.size()});
  }
};

}  // namespace vfsprof::vfs
