#include "harness/inproc/in_process_calls.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "vfs/base/check.h"

namespace vfsprof::harness {
namespace {

/// 0, or the negative errno.
template <class T>
std::int64_t status_of(const Result<T>& result) {
  return result ? 0 : -result.error().value;
}

}  // namespace

InProcessCalls::InProcessCalls(const FilesOptions& options)
    : files_(*options.in_process),
      names_(options.names),
      own_(options.shared_files == nullptr ? options.fds : 0),
      open_(options.shared_files == nullptr ? own_
                                            : files_.shared_handles(options.shared_files->size())),
      pages_(files_.payload_pages()) {}

std::int64_t InProcessCalls::open(const Operation& operation) {
  Result<InProcessHandle> opened =
      files_.open(names_[operation.file], open_flags(operation), operation.argument);
  if (opened) open_[operation.fd] = *std::move(opened);
  return status_of(opened);
}

/// Entries of a directory, or of the one that a file lies in.
std::int64_t InProcessCalls::list(const Operation& operation) {
  const std::string& name = names_[operation.file];
  Result<std::vector<std::string>> listed = files_.list(name);
  if (!listed && listed.error() == Errno{ENOTDIR}) {
    const std::size_t slash = name.rfind('/');
    listed = files_.list(slash == std::string::npos ? "" : name.substr(0, slash));
  }
  return listed ? static_cast<std::int64_t>(listed->size()) : status_of(listed);
}

std::int64_t InProcessCalls::execute(const Operation& operation, const std::byte* data,
                                     std::span<std::byte> buffer) {
  InProcessHandle& file = open_[operation.fd];
  switch (operation.kind) {
    case OperationKind::kRead:
      return files_.read(file, buffer.first(operation.size), operation.offset);
    case OperationKind::kWrite:
      return files_.write(file, {data, operation.size}, operation.offset, pages_.get());
    case OperationKind::kFsync:
      return status_of(files_.sync(file, vfs::SyncScope::kDataAndMetadata));
    case OperationKind::kFdatasync:
      return status_of(files_.sync(file, vfs::SyncScope::kData));
    case OperationKind::kTruncate:
      return status_of(files_.truncate(file, operation.size));
    case OperationKind::kCreate:
    case OperationKind::kOpen:
      return open(operation);
    case OperationKind::kClose:
      return status_of(files_.close(file));
    case OperationKind::kReaddir:
      return list(operation);
    case OperationKind::kMkdir:
    case OperationKind::kRmdir:
    case OperationKind::kUnlink:
    case OperationKind::kRename:
    case OperationKind::kLink:
    case OperationKind::kSymlink:
    case OperationKind::kReadlink:
      return change_name(operation);
    default:
      return change_attribute(operation);
  }
}

std::int64_t InProcessCalls::change_name(const Operation& operation) {
  const std::string& name = names_[operation.file];
  const std::string& other = names_[operation.other];
  switch (operation.kind) {
    case OperationKind::kMkdir:
      return status_of(files_.make_directory(name, operation.argument));
    case OperationKind::kRmdir:
      return status_of(files_.remove_directory(name));
    case OperationKind::kUnlink:
      return status_of(files_.unlink(name));
    case OperationKind::kRename:
      return status_of(files_.rename(name, other));
    case OperationKind::kLink:
      return status_of(files_.link(name, other));
    case OperationKind::kSymlink:
      return status_of(files_.make_symlink(name, link_text(operation, names_)));
    default: {
      const Result<std::string> text = files_.read_symlink(name);
      return text ? static_cast<std::int64_t>(text->size()) : status_of(text);
    }
  }
}

std::int64_t InProcessCalls::change_attribute(const Operation& operation) {
  const std::string& name = names_[operation.file];
  switch (operation.kind) {
    case OperationKind::kStat: {
      const Result<InProcessFileSystem::Status> status = files_.status(name);
      if (!status) return status_of(status);
      return S_ISREG(status->mode) ? static_cast<std::int64_t>(status->size_bytes) : 0;
    }
    case OperationKind::kChmod:
      return status_of(files_.change(name, {.mode = operation.argument}));
    case OperationKind::kChown:
      return status_of(files_.change(name, {.uid = ::geteuid(), .gid = ::getegid()}));
    case OperationKind::kUtimens: {
      constexpr timespec kWhen{.tv_sec = 1'000'000'000, .tv_nsec = 0};
      return status_of(files_.change(name, {.accessed = kWhen, .modified = kWhen}));
    }
    case OperationKind::kSetxattr:
    case OperationKind::kGetxattr:
    case OperationKind::kListxattr:
    case OperationKind::kRemovexattr:
      return -EOPNOTSUPP;  // the file system has none, and the kernel says so
    default:
      VFSPROF_CHECK(false);
  }
}

}  // namespace vfsprof::harness
