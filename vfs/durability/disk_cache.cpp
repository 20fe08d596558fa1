#include "vfs/durability/disk_cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <mutex>
#include <utility>

#include "vfs/counters.h"
#include "vfs/durability/file_io.h"
#include "vfs/durability/record_text.h"

namespace vfsprof::vfs {

namespace {

constexpr char kFilesFolder[] = "data";
constexpr char kRecordsFolder[] = "records";
constexpr char kTemporariesFolder[] = "tmp";
constexpr char kLockFile[] = "lock";

[[noreturn]] void refuse(const std::filesystem::path& directory, std::string_view what,
                         std::string_view advice) {
  throw CacheDirectoryError(
      fmt::format("cache directory '{}' {}; {}", directory.string(), what, advice));
}

UniqueFd open_folder(const std::filesystem::path& directory, int directory_fd, const char* name) {
  if (::mkdirat(directory_fd, name, 0700) != 0 && errno != EEXIST) {
    refuse(
        directory,
        fmt::format("cannot be written to: making '{}' failed: {}", name, describe(Errno{errno})),
        "give one that this user may write to");
  }
  UniqueFd fd(::openat(directory_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::faccessat(directory_fd, name, R_OK | W_OK | X_OK, AT_EACCESS) != 0) {
    refuse(
        directory,
        fmt::format("cannot be used: opening '{}' in it failed: {}", name, describe(Errno{errno})),
        "give an empty one, or one that this program made and this user owns");
  }
  return fd;
}

/// The names in a folder but "." and "..".
Result<std::vector<std::string>> names_in(int folder_fd) {
  UniqueFd copy(::openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!copy) return fail_with_errno();
  DIR* const stream = ::fdopendir(copy.get());
  if (stream == nullptr) return fail_with_errno();
  copy.release();
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* const entry =
             ::readdir(stream)) {  // NOLINT(concurrency-mt-unsafe): own stream
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
    errno = 0;
  }
  const int error = errno;
  ::closedir(stream);
  if (error != 0) return fail(error);
  return names;
}

}  // namespace

DiskCache::DiskCache(const std::filesystem::path& directory,
                     std::function<void(const std::string&)> on_fault)
    : directory_(directory), on_fault_(std::move(on_fault)) {
  directory_fd_.reset(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory_fd_) {
    if (errno == ENOENT) refuse(directory, "does not exist", "create it, or give another one");
    if (errno == ENOTDIR) refuse(directory, "is not a directory", "give a directory");
    refuse(directory, fmt::format("cannot be opened: {}", describe(Errno{errno})),
           "give one that this user may read and write");
  }
  lock_fd_.reset(::openat(directory_fd_.get(), kLockFile, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock_fd_) {
    refuse(directory, fmt::format("is not writable: {}", describe(Errno{errno})),
           "give one that this user may write to");
  }
  if (::flock(lock_fd_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      refuse(directory, "is in use by another daemon",
             "unmount that one first, or give another directory");
    }
    refuse(directory, fmt::format("cannot be locked: {}", describe(Errno{errno})),
           "give one on a local disk");
  }
  files_.fd = open_folder(directory, directory_fd_.get(), kFilesFolder);
  files_.holds_content = true;
  records_.fd = open_folder(directory, directory_fd_.get(), kRecordsFolder);
  temporaries_fd_ = open_folder(directory, directory_fd_.get(), kTemporariesFolder);
  // The folders themselves must survive a power loss, else nothing in them does.
  if (::fsync(directory_fd_.get()) != 0) {
    refuse(directory, fmt::format("cannot be synced: {}", describe(Errno{errno})),
           "give one on a local disk");
  }
}

DiskCache::~DiskCache() = default;

Result<FileUpdate> DiskCache::replace(CacheFolder& folder, InodeId inode) {
  return FileUpdate::replace(folder, inode, temporaries_fd_.get(),
                             fmt::format("{}.{}", cache_file_name(inode), next_temporary_++));
}

Result<FileUpdate> DiskCache::replace_file(InodeId inode) { return replace(files_, inode); }

Result<FileUpdate> DiskCache::change_file(InodeId inode, std::uint64_t kept_bytes) {
  bool in_place = false;
  {
    const std::lock_guard lock(files_.mutex);
    in_place = files_.ledger.may_change_in_place(inode);
  }
  return in_place ? FileUpdate::change_in_place(files_, inode, kept_bytes) : replace_file(inode);
}

Result<void> DiskCache::write_whole(CacheFolder& folder, InodeId inode,
                                    std::span<const std::byte> content, Durability durability) {
  auto update = replace(folder, inode);
  if (!update) return Failure(update.error());
  if (const auto written = update->write(0, content); !written) return written;
  return update->commit(content.size(), durability);
}

Result<void> DiskCache::write_file(InodeId inode, std::span<const std::byte> content,
                                   Durability durability) {
  return write_whole(files_, inode, content, durability);
}

void DiskCache::direct_io_refused(Errno reason) {
  count(Counter::kDirectIoFallbacks);
  if (told_of_direct_io_.exchange(true) || !on_fault_) return;
  on_fault_(fmt::format(
      "cache directory '{}' takes no direct I/O ({}): files are written through the page cache; "
      "give one on a file system with direct I/O, such as ext4 or xfs",
      directory_.string(), describe(reason)));
}

Result<std::size_t> DiskCache::read(InodeId inode, std::uint64_t offset,
                                    std::span<std::byte> out) const {
  const UniqueFd fd(
      ::openat(files_.fd.get(), cache_file_name(inode).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_with_errno();
  return read_all(fd.get(), offset, out);
}

Result<std::optional<std::uint64_t>> DiskCache::file_size(InodeId inode) const {
  struct stat status{};
  if (::fstatat(files_.fd.get(), cache_file_name(inode).c_str(), &status, AT_SYMLINK_NOFOLLOW) !=
      0) {
    if (errno == ENOENT) return std::nullopt;
    return fail_with_errno();
  }
  return static_cast<std::uint64_t>(status.st_size);
}

Result<void> DiskCache::sync_file(InodeId inode) { return files_.sync(inode); }

Result<void> DiskCache::remove_file(InodeId inode) { return files_.remove(inode); }

Result<void> DiskCache::write_record(const InodeRecord& record, Durability durability) {
  const std::string text = record_to_text(record);
  return write_whole(records_, record.attributes.inode, std::as_bytes(std::span(text)), durability);
}

Result<void> DiskCache::remove_record(InodeId inode) { return records_.remove(inode); }

Result<void> DiskCache::sync_records() { return sync_fd(records_.fd.get()); }

Result<void> DiskCache::sync_all() {
  using Pending = std::vector<std::pair<InodeId, SyncLedger::Mark>>;
  const auto pending_of = [](CacheFolder& folder) {
    const std::lock_guard lock(folder.mutex);
    return folder.ledger.all_pending();
  };
  const std::pair<CacheFolder*, Pending> all[] = {{&files_, pending_of(files_)},
                                                  {&records_, pending_of(records_)}};
  count(Counter::kCacheSyncs);
  if (::syncfs(directory_fd_.get()) != 0) return fail_with_errno();
  for (const auto& [folder, pending] : all) {
    const std::lock_guard lock(folder->mutex);
    for (const auto& [inode, mark] : pending) folder->ledger.synced(inode, mark);
  }
  return {};
}

void DiskCache::load_record(InodeId inode, Contents& contents) {
  const UniqueFd fd(
      ::openat(records_.fd.get(), cache_file_name(inode).c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status{};
  std::string text;
  std::expected<InodeRecord, std::string> record;
  if (!fd || ::fstat(fd.get(), &status) != 0) {
    record = std::unexpected(describe(Errno{errno}));
  } else {
    text.resize(static_cast<std::size_t>(status.st_size));
    const auto got = read_all(fd.get(), 0, std::as_writable_bytes(std::span(text)));
    record = got ? record_from_text(text) : std::unexpected(describe(got.error()));
  }
  if (record && record->attributes.inode != inode) {
    record = std::unexpected(fmt::format("it is of inode {}", record->attributes.inode.value));
  }
  if (record) {
    contents.records.push_back(std::move(*record));
    return;
  }
  contents.unreadable_records.push_back(inode);
  contents.faults.push_back(fmt::format(
      "record '{}/{}/{}' cannot be used: {}; it and its data are left as they are, remove it to "
      "give up inode {}",
      directory_.string(), kRecordsFolder, cache_file_name(inode), record.error(), inode.value));
}

Result<DiskCache::Contents> DiskCache::load() {
  Contents contents;
  const auto temporaries = names_in(temporaries_fd_.get());
  if (!temporaries) return Failure(temporaries.error());
  for (const std::string& name : *temporaries) {
    if (::unlinkat(temporaries_fd_.get(), name.c_str(), 0) != 0) return fail_with_errno();
    ++contents.temporaries_removed;
  }
  for (CacheFolder* const folder : {&records_, &files_}) {
    const auto names = names_in(folder->fd.get());
    if (!names) return Failure(names.error());
    for (const std::string& name : *names) {
      const auto inode = inode_of_cache_file(name);
      if (!inode) {
        contents.faults.push_back(
            fmt::format("'{}' in cache directory '{}' was not made by this "
                        "program and is left alone",
                        name, directory_.string()));
        continue;
      }
      folder->ledger.found(*inode);
      if (folder == &records_) {
        load_record(*inode, contents);
      } else {
        contents.files.push_back(*inode);
      }
    }
  }
  return contents;
}

Result<DiskCache::Space> DiskCache::space() const {
  struct statvfs status{};
  if (::fstatvfs(directory_fd_.get(), &status) != 0) return fail_with_errno();
  return Space{status.f_blocks * status.f_frsize, status.f_bavail * status.f_frsize};
}

}  // namespace vfsprof::vfs
