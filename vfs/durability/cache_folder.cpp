#include "vfs/durability/cache_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "vfs/durability/file_io.h"

namespace vfsprof::vfs {

std::string cache_file_name(InodeId inode) { return fmt::format("{:016x}", inode.value); }

std::optional<InodeId> inode_of_cache_file(std::string_view name) {
  InodeId inode;
  const auto [end, error] =
      std::from_chars(name.data(), name.data() + name.size(), inode.value, 16);
  if (error != std::errc{} || cache_file_name(inode) != name) return std::nullopt;
  return inode;
}

Result<void> CacheFolder::sync(InodeId inode) {
  while (true) {
    Result<std::optional<SyncLedger::Mark>> pending;
    {
      const std::lock_guard lock(mutex);
      pending = ledger.pending(inode);
    }
    if (!pending) return Failure(pending.error());
    if (!*pending) return {};
    const UniqueFd file(::openat(fd.get(), cache_file_name(inode).c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return errno == ENOENT ? Result<void>{} : fail_with_errno();
    auto done = sync_data(file.get());
    if (done && !(*pending)->named) done = sync_fd(fd.get());
    // If another file has taken the place of what was synced, once more.
    const std::lock_guard lock(mutex);
    if (done ? ledger.synced(inode, **pending) : ledger.failed(inode, **pending)) return done;
  }
}

Result<void> CacheFolder::remove(InodeId inode) {
  const std::lock_guard lock(mutex);
  if (::unlinkat(fd.get(), cache_file_name(inode).c_str(), 0) != 0 && errno != ENOENT) {
    return fail_with_errno();
  }
  ledger.removed(inode);
  return {};
}

}  // namespace vfsprof::vfs
