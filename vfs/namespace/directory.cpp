#include "vfs/namespace/directory.h"

#include <functional>

#include "vfs/base/check.h"

namespace vfsprof::vfs {

std::optional<InodeId> Directory::find(std::string_view name) const {
  const auto found = cookies_.find(name);
  if (found == cookies_.end()) return std::nullopt;
  return entries_.at(found->second).inode;
}

void Directory::insert(std::string_view name, InodeId inode) {
  VFSPROF_CHECK(!cookies_.contains(name));
  // Two bits off: the kernel keeps a cookie in a signed number, and collisions may count upwards.
  std::uint64_t cookie = (std::hash<std::string_view>{}(name) >> 2) + kParentCookie + 1;
  while (entries_.contains(cookie)) ++cookie;
  const auto position = entries_.emplace(cookie, Entry{std::string(name), inode}).first;
  cookies_.emplace(position->second.name, cookie);
}

void Directory::erase(std::string_view name) {
  const auto found = cookies_.find(name);
  VFSPROF_CHECK(found != cookies_.end());
  const std::uint64_t cookie = found->second;
  cookies_.erase(found);  // before the string that its key points to
  entries_.erase(cookie);
}

void Directory::assign(std::string_view name, InodeId inode) {
  const auto found = cookies_.find(name);
  VFSPROF_CHECK(found != cookies_.end());
  entries_.at(found->second).inode = inode;
}

}  // namespace vfsprof::vfs
