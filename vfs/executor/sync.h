#pragma once

#include <string_view>

namespace vfsprof::vfs {

/// Writes run on the session thread that received them: no hand-off, no wake-up. Only what waits
/// for the disk or the store goes to the workers. Cost: nothing beside the write. Source:
/// opportunity 1 of the analysis document, its synchronous path for files that are already dirty.
struct Sync {
  static constexpr std::string_view kName = "sync";
  static constexpr std::string_view kSummary =
      "writes run on the session thread; only flushes and fetches go to the workers";
  static constexpr bool kInPlace = true;
};

}  // namespace vfsprof::vfs
