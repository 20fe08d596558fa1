#pragma once

#include <cstdint>
#include <memory>

#include "vfs/flush/flush.h"
#include "vfs/memory/memory.h"
#include "vfs/variant.h"

namespace vfsprof::vfs {

/// What `make_engine` hands to the engine that it chose.
struct EngineSetup {
  EngineOptions options;
  std::uint64_t chunk_bytes = 0;  ///< a power of two
  std::unique_ptr<FlushStrategy> flush;
  std::unique_ptr<BlockMemory> memory;
};

}  // namespace vfsprof::vfs
