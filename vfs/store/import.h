#pragma once

#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "vfs/base/ids.h"
#include "vfs/namespace/namespace.h"
#include "vfs/store/object_store.h"

namespace vfsprof::vfs {

/// A file of the namespace that an object of the store stands behind.
struct ImportedObject {
  InodeId inode;
  std::uint64_t size = 0;  ///< bytes
  std::int64_t modified_s = 0;
};

struct ImportReport {
  std::vector<ImportedObject> objects;
  std::vector<std::string> faults;  ///< one sentence for each object that cannot be a file
};

/// Shows every object of the store as a file of the namespace, but those whose keys are in
/// `removed`; a key's '/' make directories. Errors: those of listing the store.
Result<ImportReport> import_objects(ObjectStore& store, Namespace& names,
                                    const std::unordered_set<std::string>& removed = {});

}  // namespace vfsprof::vfs
