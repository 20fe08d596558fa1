#pragma once

#include <cstdint>
#include <memory>
#include <memory_resource>

#include "vfs/flush/flush.h"
#include "vfs/variant.h"

namespace vfsprof::vfs {

/// What `make_engine` hands to the engine that it chose.
struct EngineSetup {
  EngineOptions options;
  std::uint64_t chunk_bytes = 0;  ///< a power of two
  std::unique_ptr<FlushStrategy> flush;
  std::unique_ptr<std::pmr::memory_resource> memory;
};

}  // namespace vfsprof::vfs
