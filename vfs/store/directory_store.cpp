#include "vfs/store/directory_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ranges>

#include "vfs/base/check.h"
#include "vfs/store/directory_listing.h"

namespace vfsprof::vfs {

namespace {

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

/// The parts of a key; none if it cannot be one.
std::vector<std::string> parts_of(std::string_view key) {
  std::vector<std::string> parts;
  for (const auto part : std::views::split(key, '/')) {
    const std::string_view name(part.begin(), part.end());
    if (name.empty() || name == "." || name == ".." || name.find('\0') != name.npos) return {};
    parts.emplace_back(name);
  }
  if (!parts.empty() && parts.front() == kTemporariesFolder) return {};
  return parts;
}

UniqueFd open_root(const std::filesystem::path& path) {
  if (path.empty()) throw StoreError("object store 'dir:' names no directory; write dir:PATH");
  UniqueFd root(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (root) return root;
  const Errno error{errno};
  const std::string shown = path.string();
  if (error == Errno{ENOENT}) {
    throw StoreError(fmt::format(
        "object store directory '{}' does not exist; create it with 'mkdir -p {}'", shown, shown));
  }
  if (error == Errno{ENOTDIR}) {
    throw StoreError(fmt::format("object store '{}' is not a directory; name one", shown));
  }
  throw StoreError(
      fmt::format("object store directory '{}' cannot be opened: {}; name one that "
                  "this user may read",
                  shown, describe(error)));
}

/// A key that leads nowhere is an object that is not there; all else is a store that does not
/// answer.
Failure fetch_failure(Errno error) {
  const bool absent = error.value == ENOENT || error.value == ENOTDIR || error.value == ELOOP ||
                      error.value == ENAMETOOLONG;
  if (error == Errno{EINVAL}) return fail(EINVAL);
  return fail(absent ? ENOENT : EIO);
}

Result<std::size_t> read_range(int fd, std::uint64_t offset, std::span<std::byte> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t got =
        ::pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(EIO);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

Result<void> write_and_sync(int fd, std::span<const std::byte> content) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_with_errno();
    content = content.subspan(static_cast<std::size_t>(written));
  }
  if (::fsync(fd) != 0) return fail_with_errno();
  return {};
}

/// Makes a directory, and its name durable; success if it is there.
Result<void> make_directory(int parent_fd, const std::string& name) {
  if (::mkdirat(parent_fd, name.c_str(), 0777) != 0) {
    return errno == EEXIST ? Result<void>() : fail_with_errno();
  }
  if (::fsync(parent_fd) != 0) return fail_with_errno();
  return {};
}

}  // namespace

DirectoryStore::DirectoryStore(const std::filesystem::path& path, std::size_t page_objects)
    : root_(open_root(path)), page_objects_(page_objects) {
  VFSPROF_CHECK(page_objects > 0);
}

Result<ObjectPage> DirectoryStore::list(std::string_view after) {
  return list_directory(root_.get(), after, page_objects_);
}

/// Opens the directories of a key one by one, so that no link is followed.
Result<DirectoryStore::Place> DirectoryStore::place_of(std::string_view key,
                                                       Missing missing) const {
  const std::vector<std::string> parts = parts_of(key);
  if (parts.empty()) return fail(EINVAL);
  UniqueFd at(::openat(root_.get(), ".", kDirectoryFlags));
  if (!at) return fail_with_errno();
  for (const std::string& part : parts | std::views::take(parts.size() - 1)) {
    if (missing == Missing::kMake) {
      if (const auto made = make_directory(at.get(), part); !made) return Failure(made.error());
    }
    UniqueFd next(::openat(at.get(), part.c_str(), kDirectoryFlags));
    if (!next) return fail_with_errno();
    at = std::move(next);
  }
  return Place{std::move(at), parts.back()};
}

Result<std::size_t> DirectoryStore::fetch(std::string_view key, std::uint64_t offset,
                                          std::span<std::byte> out) {
  const auto place = place_of(key, Missing::kFail);
  if (!place) return fetch_failure(place.error());
  // O_NONBLOCK: a pipe under that name must not hold us up.
  const UniqueFd file(::openat(place->directory.get(), place->name.c_str(),
                               O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status{};
  if (!file || ::fstat(file.get(), &status) != 0) return fetch_failure(Errno{errno});
  if (!S_ISREG(status.st_mode)) return fail(ENOENT);
  return read_range(file.get(), offset, out);
}

/// A new file in the folder of those that are not objects yet.
Result<DirectoryStore::Place> DirectoryStore::make_temporary(UniqueFd& file) {
  const std::string folder(kTemporariesFolder);
  if (const auto made = make_directory(root_.get(), folder); !made) return Failure(made.error());
  Place place{UniqueFd(::openat(root_.get(), folder.c_str(), kDirectoryFlags)), {}};
  if (!place.directory) return fail_with_errno();
  do {
    // Other daemons may use this store; what one left that was killed has such a name too.
    place.name = fmt::format("{}.{}", ::getpid(), next_temporary_.fetch_add(1));
    file.reset(::openat(place.directory.get(), place.name.c_str(),
                        O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  } while (!file && errno == EEXIST);
  if (!file) return fail_with_errno();
  return place;
}

Result<void> DirectoryStore::put(std::string_view key, std::span<const std::byte> content) {
  const auto place = place_of(key, Missing::kMake);
  if (!place) return Failure(place.error());
  UniqueFd file;
  const auto temporary = make_temporary(file);
  if (!temporary) return Failure(temporary.error());
  Result<void> done = write_and_sync(file.get(), content);
  if (done && ::renameat(temporary->directory.get(), temporary->name.c_str(),
                         place->directory.get(), place->name.c_str()) != 0) {
    done = fail_with_errno();
  }
  if (!done) {
    ::unlinkat(temporary->directory.get(), temporary->name.c_str(), 0);
    return done;
  }
  if (::fsync(place->directory.get()) != 0) return fail_with_errno();
  return {};
}

}  // namespace vfsprof::vfs
