#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "vfs/engine.h"

namespace vfsprof::vfs {

/// The payload goes from the request buffer into the block.
/// Cost: one copy, the engine's.
/// Source: opportunity 2 of the analysis document.
struct Direct {
  static constexpr std::string_view kName = "direct";
  static constexpr std::string_view kSummary = "one copy, from the request buffer into the block";

  static StagedPayload stage(std::span<const std::byte> payload) {
    return {.owned = {}, .bytes = payload};
  }
  static std::span<const std::byte> take(std::span<const std::byte> bytes) { return bytes; }
};

}  // namespace vfsprof::vfs
