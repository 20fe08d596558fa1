#include "vfs/durability/disk_cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <charconv>

#include "vfs/counters.h"
#include "vfs/durability/record_text.h"

namespace vfsprof::vfs {

namespace {

constexpr char kFilesFolder[] = "data";
constexpr char kRecordsFolder[] = "records";
constexpr char kTemporariesFolder[] = "tmp";
constexpr char kLockFile[] = "lock";

/// Both folders name a file by the inode's number in hexadecimal; the folder tells what it is.
std::string file_name(InodeId inode) { return fmt::format("{:016x}", inode.value); }

std::optional<InodeId> inode_of_file_name(std::string_view name) {
  InodeId inode;
  const auto [end, error] =
      std::from_chars(name.data(), name.data() + name.size(), inode.value, 16);
  if (error != std::errc{} || file_name(inode) != name) return std::nullopt;
  return inode;
}

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

Result<void> write_all(int fd, std::span<const std::byte> content) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return fail_with_errno();
    }
    count(Counter::kBytesFlushed, static_cast<std::uint64_t>(written));
    content = content.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Result<std::size_t> read_all(int fd, std::uint64_t offset, std::span<std::byte> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t got =
        ::pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (got < 0) {
      if (errno == EINTR) continue;
      return fail_with_errno();
    }
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

Result<void> sync_fd(int fd) {
  count(Counter::kCacheSyncs);
  if (::fsync(fd) != 0) return fail_with_errno();
  return {};
}

}  // namespace

DiskCache::DiskCache(const std::filesystem::path& directory) : directory_(directory) {
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
  records_.fd = open_folder(directory, directory_fd_.get(), kRecordsFolder);
  temporaries_fd_ = open_folder(directory, directory_fd_.get(), kTemporariesFolder);
  // The folders themselves must survive a power loss, else nothing in them does.
  if (::fsync(directory_fd_.get()) != 0) {
    refuse(directory, fmt::format("cannot be synced: {}", describe(Errno{errno})),
           "give one on a local disk");
  }
}

DiskCache::~DiskCache() = default;

Result<void> DiskCache::publish(Folder& folder, InodeId inode, std::span<const std::byte> content,
                                Durability durability) {
  const std::string name = file_name(inode);
  const std::string temporary = fmt::format("{}.{}", name, next_temporary_++);
  const UniqueFd fd(::openat(temporaries_fd_.get(), temporary.c_str(),
                             O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return fail_with_errno();
  auto done = write_all(fd.get(), content);
  bool synced = false;
  if (done && durability == Durability::kDurable) {
    done = sync_fd(fd.get());
    synced = true;
  }
  std::uint64_t writes = 0;
  while (done && writes == 0) {
    std::unique_lock lock(folder.mutex);
    Folder::State& state = folder.states[inode.value];
    if (state.synced_writes > 0 && !synced) {
      // It takes the place of a version that is on the disk, so it must be there itself first.
      lock.unlock();
      done = sync_fd(fd.get());
      synced = true;
    } else if (::renameat(temporaries_fd_.get(), temporary.c_str(), folder.fd.get(),
                          name.c_str()) != 0) {
      done = fail_with_errno();
    } else {
      writes = ++state.writes;
      state.sync_failed = false;
    }
  }
  if (!done) {
    ::unlinkat(temporaries_fd_.get(), temporary.c_str(), 0);
    return done;
  }
  if (durability == Durability::kOnRequest) return {};
  if (const auto named = sync_fd(folder.fd.get()); !named) return named;
  {
    const std::lock_guard lock(folder.mutex);
    const auto state = folder.states.find(inode.value);
    if (state != folder.states.end() && state->second.writes == writes) {
      state->second.synced_writes = writes;
    }
  }
  return sync_published(folder, inode);
}

/// Puts the version that stands on the disk, where it is not there yet.
Result<void> DiskCache::sync_published(Folder& folder, InodeId inode) {
  while (true) {
    std::uint64_t writes = 0;
    {
      const std::lock_guard lock(folder.mutex);
      const auto state = folder.states.find(inode.value);
      if (state == folder.states.end()) return {};  // never written, or removed
      if (state->second.synced_writes == state->second.writes) return {};
      if (state->second.sync_failed) return fail(EIO);
      writes = state->second.writes;
    }
    const UniqueFd fd(::openat(folder.fd.get(), file_name(inode).c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return errno == ENOENT ? Result<void>{} : fail_with_errno();
    auto synced = sync_fd(fd.get());
    if (synced) synced = sync_fd(folder.fd.get());
    const std::lock_guard lock(folder.mutex);
    const auto state = folder.states.find(inode.value);
    if (state == folder.states.end()) return {};
    // If another write has taken the place of what was synced, once more.
    if (state->second.writes != writes) continue;
    if (!synced) {
      // The kernel reports lost pages once; a second fsync would wrongly succeed.
      state->second.sync_failed = true;
      return synced;
    }
    state->second.synced_writes = writes;
  }
}

Result<void> DiskCache::remove(Folder& folder, InodeId inode) {
  const std::lock_guard lock(folder.mutex);
  if (::unlinkat(folder.fd.get(), file_name(inode).c_str(), 0) != 0 && errno != ENOENT) {
    return fail_with_errno();
  }
  folder.states.erase(inode.value);
  return {};
}

Result<void> DiskCache::write_file(InodeId inode, std::span<const std::byte> content,
                                   Durability durability) {
  const auto written = publish(files_, inode, content, durability);
  if (written) count(Counter::kFlushes);
  return written;
}

Result<std::size_t> DiskCache::read(InodeId inode, std::uint64_t offset,
                                    std::span<std::byte> out) const {
  const UniqueFd fd(::openat(files_.fd.get(), file_name(inode).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_with_errno();
  return read_all(fd.get(), offset, out);
}

Result<std::optional<std::uint64_t>> DiskCache::file_size(InodeId inode) const {
  struct stat status{};
  if (::fstatat(files_.fd.get(), file_name(inode).c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return std::nullopt;
    return fail_with_errno();
  }
  return static_cast<std::uint64_t>(status.st_size);
}

Result<void> DiskCache::sync_file(InodeId inode) { return sync_published(files_, inode); }

Result<void> DiskCache::remove_file(InodeId inode) { return remove(files_, inode); }

Result<void> DiskCache::write_record(const InodeRecord& record, Durability durability) {
  const std::string text = record_to_text(record);
  return publish(records_, record.attributes.inode, std::as_bytes(std::span(text)), durability);
}

Result<void> DiskCache::remove_record(InodeId inode) { return remove(records_, inode); }

Result<void> DiskCache::sync_records() { return sync_fd(records_.fd.get()); }

Result<void> DiskCache::sync_all() {
  count(Counter::kCacheSyncs);
  if (::syncfs(directory_fd_.get()) != 0) return fail_with_errno();
  for (Folder* const folder : {&files_, &records_}) {
    const std::lock_guard lock(folder->mutex);
    for (auto& [inode, state] : folder->states) {
      if (!state.sync_failed) state.synced_writes = state.writes;
    }
  }
  return {};
}

void DiskCache::load_record(InodeId inode, Contents& contents) {
  const UniqueFd fd(::openat(records_.fd.get(), file_name(inode).c_str(), O_RDONLY | O_CLOEXEC));
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
      directory_.string(), kRecordsFolder, file_name(inode), record.error(), inode.value));
}

Result<DiskCache::Contents> DiskCache::load() {
  Contents contents;
  const auto temporaries = names_in(temporaries_fd_.get());
  if (!temporaries) return Failure(temporaries.error());
  for (const std::string& name : *temporaries) {
    if (::unlinkat(temporaries_fd_.get(), name.c_str(), 0) != 0) return fail_with_errno();
    ++contents.temporaries_removed;
  }
  for (Folder* const folder : {&records_, &files_}) {
    const auto names = names_in(folder->fd.get());
    if (!names) return Failure(names.error());
    for (const std::string& name : *names) {
      const auto inode = inode_of_file_name(name);
      if (!inode) {
        contents.faults.push_back(
            fmt::format("'{}' in cache directory '{}' was not made by this "
                        "program and is left alone",
                        name, directory_.string()));
        continue;
      }
      // Whether it was synced is not known. To take it for synced costs a sync when it is replaced,
      // never data.
      folder->states[inode->value] = {.writes = 2, .synced_writes = 1};
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
