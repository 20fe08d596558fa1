#include "vfs/store/object_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <new>

#include "vfs/store/directory_store.h"
#include "vfs/store/memory_store.h"
#include "vfs/store/store_spec.h"
#include "vfs/store/unreliable_store.h"

namespace vfsprof::vfs {

namespace {

std::unique_ptr<ObjectStore> open_memory(const StoreSpec& spec) {
  if (!spec.place.empty()) {
    throw StoreError(
        fmt::format("object store 'memory' has no place '{}'; write memory alone", spec.place));
  }
  auto store = std::make_unique<MemoryStore>();
  try {
    store->preload(spec.objects.count, spec.objects.size);
  } catch (const std::bad_alloc&) {
    throw StoreError(fmt::format("object store: objects={}x{} do not fit into memory; name fewer",
                                 spec.objects.count, spec.objects.size));
  }
  return store;
}

std::unique_ptr<ObjectStore> open_directory(const StoreSpec& spec) {
  if (spec.objects != PreloadedObjects{}) {
    throw StoreError(
        "object store: objects= is for memory only; put files into the directory instead");
  }
  return std::make_unique<DirectoryStore>(spec.place);
}

struct StoreKind {
  std::string_view name;
  std::unique_ptr<ObjectStore> (*open)(const StoreSpec& spec);
};

/// THE list of stores.
constexpr std::array kStores{
    StoreKind{MemoryStore::kName, open_memory},
    StoreKind{DirectoryStore::kName, open_directory},
};

}  // namespace

std::unique_ptr<ObjectStore> open_store(std::string_view text) {
  const StoreSpec spec = parse_store_spec(text);
  const auto kind = std::ranges::find(kStores, std::string_view(spec.kind), &StoreKind::name);
  if (kind == kStores.end()) {
    throw StoreError(
        fmt::format("object store '{}' is not known; allowed: {}", spec.kind, kStoreUsage));
  }
  auto store = kind->open(spec);
  if (spec.disturbance == Disturbance{}) return store;
  return std::make_unique<UnreliableStore>(std::move(store), spec.disturbance);
}

}  // namespace vfsprof::vfs
