#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "vfs/store/object_store.h"
#include "vfs/store/unreliable_store.h"

namespace vfsprof::vfs {

/// Objects that a store holds from the start: `16x1m`.
struct PreloadedObjects {
  std::uint64_t count = 0;
  std::uint64_t size = 0;  ///< bytes of each
  friend bool operator==(const PreloadedObjects&, const PreloadedObjects&) = default;
};

/// The text after `--store`, taken apart: KIND[:PLACE][,OPTION=VALUE]...
struct StoreSpec {
  std::string kind;
  std::string place;  ///< what stands after the ':', empty if nothing does
  PreloadedObjects objects;
  Disturbance disturbance;
};

/// Errors: StoreError that names the part at fault and what is allowed there. Whether there is such
/// a kind, and what its place may be, is not asked here.
StoreSpec parse_store_spec(std::string_view text);

}  // namespace vfsprof::vfs
