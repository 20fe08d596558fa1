#include "vfs/store/import.h"

#include <fmt/format.h>

namespace vfsprof::vfs {

Result<ImportReport> import_objects(ObjectStore& store, Namespace& names,
                                    const std::unordered_set<std::string>& removed) {
  ImportReport report;
  std::string after;
  do {
    auto page = store.list(after);
    if (!page) return Failure(page.error());
    for (const StoredObject& object : page->objects) {
      if (removed.contains(object.key)) continue;
      const auto inode = names.add_object(object.key);
      if (inode) {
        report.objects.push_back({*inode, object.size, object.modified_s});
      } else {
        report.faults.push_back(fmt::format("object '{}' of the store is not shown as a file: {}",
                                            object.key, describe(inode.error())));
      }
    }
    after = std::move(page->next);
  } while (!after.empty());
  return report;
}

}  // namespace vfsprof::vfs
