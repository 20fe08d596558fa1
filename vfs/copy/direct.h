#pragma once

#include <cstddef>
#include <string_view>

#include "vfs/engine.h"
#include "vfs/payload.h"
#include "vfs/pool/block_bytes.h"

namespace vfsprof::vfs {

/// The payload goes from the request buffer into the block.
/// Cost: one copy.
/// Source: opportunity 2 of the analysis document.
struct Direct {
  static constexpr std::string_view kName = "direct";
  static constexpr std::string_view kSummary = "one copy, from the request buffer into the block";
  static constexpr bool kKeepsPages = false;

  static StagedPayload stage(const Payload& payload) { return {.owned = {}, .payload = payload}; }
  static void put(BlockBytes& data, std::size_t offset, const PayloadPart& part) {
    data.write(offset, part);
  }
};

}  // namespace vfsprof::vfs
