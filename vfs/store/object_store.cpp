#include "vfs/store/object_store.h"

#include <fmt/format.h>

#include "vfs/store/memory_store.h"

namespace vfsprof::vfs {

std::unique_ptr<ObjectStore> open_store(std::string_view spec) {
  if (spec == MemoryStore::kName) return std::make_unique<MemoryStore>();
  throw StoreError(fmt::format("object store '{}' is not known; allowed: {}; use --store {}", spec,
                               MemoryStore::kName, MemoryStore::kName));
}

}  // namespace vfsprof::vfs
