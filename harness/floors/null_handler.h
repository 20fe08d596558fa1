#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vfs/variant.h"

namespace vfsprof::harness {

/// The variant that only replies.
inline constexpr std::string_view kNullVariant = "null";

/// The null handlers that stand beside some variants.
struct NullHandlers {
  std::vector<vfs::Variant> variants = {};  ///< one for each set of mount options
  std::vector<std::uint32_t> of = {};       ///< for each variant given, an index into `variants`
  std::string absent = {};                  ///< why there are none; empty if there are
};

/// The null handler with the mount options of each variant; variants that share them share it.
NullHandlers null_handlers(std::span<const vfs::Variant> variants);

}  // namespace vfsprof::harness
