#include "vfs/durability/file_update.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <utility>

#include "vfs/counters.h"
#include "vfs/durability/file_io.h"

namespace vfsprof::vfs {

FileUpdate::FileUpdate(CacheFolder& folder, InodeId inode, UniqueFd fd, int temporaries_fd,
                       std::string temporary)
    : folder_(&folder),
      inode_(inode),
      fd_(std::move(fd)),
      temporaries_fd_(temporaries_fd),
      temporary_(std::move(temporary)) {}

FileUpdate::FileUpdate(FileUpdate&& other) noexcept
    : folder_(std::exchange(other.folder_, nullptr)),
      inode_(other.inode_),
      fd_(std::move(other.fd_)),
      temporaries_fd_(other.temporaries_fd_),
      temporary_(std::move(other.temporary_)) {}

FileUpdate::~FileUpdate() { end(); }

/// Drops what was not published.
void FileUpdate::end() {
  CacheFolder* const folder = std::exchange(folder_, nullptr);
  if (folder == nullptr) return;
  if (in_place()) {
    const std::lock_guard lock(folder->mutex);
    folder->ledger.change_ended(inode_);
  } else {
    ::unlinkat(temporaries_fd_, temporary_.c_str(), 0);
  }
}

Result<FileUpdate> FileUpdate::replace(CacheFolder& folder, InodeId inode, int temporaries_fd,
                                       std::string temporary) {
  UniqueFd fd(
      ::openat(temporaries_fd, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return fail_with_errno();
  return FileUpdate(folder, inode, std::move(fd), temporaries_fd, std::move(temporary));
}

Result<FileUpdate> FileUpdate::change_in_place(CacheFolder& folder, InodeId inode,
                                               std::uint64_t kept_bytes) {
  UniqueFd fd;
  {
    // Under the lock, so that the ledger knows of the file before it can be removed.
    const std::lock_guard lock(folder.mutex);
    fd.reset(::openat(folder.fd.get(), cache_file_name(inode).c_str(),
                      O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    if (!fd) return fail_with_errno();
    folder.ledger.change_begins(inode);
  }
  FileUpdate update(folder, inode, std::move(fd), -1, {});
  const Result<std::uint64_t> size = update.size();
  if (!size) return Failure(size.error());
  if (*size < kept_bytes) return fail(EIO);
  if (const auto cut = update.set_size(kept_bytes); !cut) return Failure(cut.error());
  return update;
}

Result<std::uint64_t> FileUpdate::size() const {
  struct stat status{};
  if (::fstat(fd_.get(), &status) != 0) return fail_with_errno();
  return static_cast<std::uint64_t>(status.st_size);
}

Result<UniqueFd> FileUpdate::open(int flags) const {
  const std::string name = in_place() ? cache_file_name(inode_) : temporary_;
  UniqueFd fd(::openat(in_place() ? folder_->fd.get() : temporaries_fd_, name.c_str(),
                       O_WRONLY | O_CLOEXEC | flags));
  if (!fd) return fail_with_errno();
  return fd;
}

Result<void> FileUpdate::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  return write_all(fd_.get(), offset, bytes);
}

Result<void> FileUpdate::set_size(std::uint64_t size) {
  const Result<std::uint64_t> now = this->size();
  if (!now) return Failure(now.error());
  if (*now != size && ::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) {
    return fail_with_errno();
  }
  return {};
}

Result<void> FileUpdate::commit(std::uint64_t size, Durability durability) {
  CacheFolder& folder = *folder_;
  if (const auto sized = set_size(size); !sized) return sized;
  if (!in_place()) {
    if (const auto published = publish(durability); !published) return published;
  }
  end();
  if (durability == Durability::kDurable) {
    if (const auto synced = folder.sync(inode_); !synced) return synced;
  }
  if (folder.holds_content) count(Counter::kFlushes);
  return {};
}

/// Puts the temporary in the place of the old file. A durable one is then on the disk, with its
/// name.
Result<void> FileUpdate::publish(Durability durability) {
  bool synced = false;
  const auto sync = [&] {
    synced = true;
    return sync_fd(fd_.get());
  };
  if (durability == Durability::kDurable) {
    if (const auto done = sync(); !done) return done;
  }
  SyncLedger::Mark mark;
  while (true) {
    std::unique_lock lock(folder_->mutex);
    if (folder_->ledger.has_synced_version(inode_) && !synced) {
      // It takes the place of a version that is on the disk, so it must be there itself first.
      lock.unlock();
      if (const auto done = sync(); !done) return done;
      continue;
    }
    if (::renameat(temporaries_fd_, temporary_.c_str(), folder_->fd.get(),
                   cache_file_name(inode_).c_str()) != 0) {
      return fail_with_errno();
    }
    mark = folder_->ledger.replaced(inode_);
    break;
  }
  CacheFolder& folder = *std::exchange(folder_, nullptr);
  if (durability == Durability::kOnRequest) return {};
  const auto named = sync_fd(folder.fd.get());
  const std::lock_guard lock(folder.mutex);
  if (named) {
    folder.ledger.synced(inode_, mark);
  } else {
    folder.ledger.failed(inode_, mark);
  }
  return named;
}

}  // namespace vfsprof::vfs
