#include "harness/inproc/name_cache.h"

#include <utility>

namespace vfsprof::harness {

CachedFilePointer NameCache::drop(const std::string& path) {
  const auto found = entries_.find(path);
  if (found == entries_.end()) return nullptr;
  CachedFilePointer file = std::move(found->second.file);
  entries_.erase(found);
  // Inode numbers are never used twice, so an entry of a file that is gone is only a waste.
  if (file && file.use_count() == 1) files_.erase(file->inode.value);
  return file;
}

std::vector<CachedFilePointer> NameCache::drop_below(const std::string& directory) {
  std::vector<CachedFilePointer> dropped;
  const std::string prefix = directory + "/";
  std::erase_if(entries_, [&](auto& entry) {
    if (!entry.first.starts_with(prefix)) return false;
    dropped.push_back(std::move(entry.second.file));
    return true;
  });
  return dropped;
}

CachedFilePointer NameCache::known(InodeId inode) const {
  const auto found = files_.find(inode.value);
  return found == files_.end() ? nullptr : found->second.lock();
}

}  // namespace vfsprof::harness
