#pragma once

#include <span>
#include <string_view>

#include "vfs/engine.h"

namespace vfsprof::vfs {

/// A planted fault: what is done beside a write of 4 KiB or more. It counts as the product does:
/// who wakes, copies, zeroes or hashes counts it; the silent ones cost time only.
struct Fault {
  std::string_view name;
  std::string_view summary;
  void (*plant)(Engine& engine, const WriteRequest& request);
};

/// THE list of faults.
std::span<const Fault> all_faults();

}  // namespace vfsprof::vfs
