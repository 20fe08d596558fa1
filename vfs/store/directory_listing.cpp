#include "vfs/store/directory_listing.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "vfs/base/unique_fd.h"

namespace vfsprof::vfs {

namespace {

struct CloseStream {
  void operator()(DIR* stream) const { ::closedir(stream); }
};

class Lister {
 public:
  Lister(std::string_view after, std::size_t limit) : after_(after), limit_(limit) {}

  /// Adds the objects below a directory, whose keys begin with `prefix`. False once the page is
  /// full.
  Result<bool> add_directory(UniqueFd directory, const std::string& prefix);
  ObjectPage take_page() { return std::move(page_); }

 private:
  Result<std::vector<std::string>> names_after(int directory_fd, const std::string& prefix) const;
  Result<bool> add_file(int directory_fd, const std::string& name, const std::string& prefix);

  const std::string_view after_;
  const std::size_t limit_;
  ObjectPage page_;
};

/// Whether an entry is a directory, and whether it is of a kind that counts at all.
struct Kind {
  bool directory = false;
  bool regular = false;
};

Kind kind_of(int directory_fd, const dirent& entry) {
  if (entry.d_type != DT_UNKNOWN) {
    return {.directory = entry.d_type == DT_DIR, .regular = entry.d_type == DT_REG};
  }
  struct stat status{};
  if (::fstatat(directory_fd, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) return {};
  return {.directory = S_ISDIR(status.st_mode), .regular = S_ISREG(status.st_mode)};
}

/// The entries below which there may be keys after `after_`, in the order of those keys.
/// Directories end in '/': so "a/x" comes after "a.b", as its bytes do.
Result<std::vector<std::string>> Lister::names_after(int directory_fd,
                                                     const std::string& prefix) const {
  UniqueFd copy(::openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!copy) return fail_with_errno();
  const std::unique_ptr<DIR, CloseStream> stream(::fdopendir(copy.get()));
  if (!stream) return fail_with_errno();
  copy.release();
  std::vector<std::string> names;
  while (true) {
    errno = 0;  // readdir tells an error only by it
    const dirent* const entry = ::readdir(stream.get());
    if (entry == nullptr) break;
    std::string name = entry->d_name;
    const Kind kind = kind_of(directory_fd, *entry);
    if (name == "." || name == ".." || (prefix.empty() && name == kTemporariesFolder)) continue;
    if (!kind.directory && !kind.regular) continue;
    if (kind.directory) name += '/';
    const std::string key = prefix + name;
    if (key > after_ || (kind.directory && after_.starts_with(key))) {
      names.push_back(std::move(name));
    }
  }
  if (errno != 0) return fail_with_errno();
  std::ranges::sort(names);
  return names;
}

Result<bool> Lister::add_file(int directory_fd, const std::string& name,
                              const std::string& prefix) {
  if (page_.objects.size() == limit_) {
    page_.next = page_.objects.back().key;
    return false;
  }
  struct stat status{};
  const int failed = ::fstatat(directory_fd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW);
  if (failed != 0 && errno != ENOENT) return fail_with_errno();
  if (failed == 0 && S_ISREG(status.st_mode)) {
    page_.objects.push_back({.key = prefix + name,
                             .size = static_cast<std::uint64_t>(status.st_size),
                             .modified_s = status.st_mtim.tv_sec});
  }
  return true;
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the directories, each of which is open meanwhile
Result<bool> Lister::add_directory(UniqueFd directory, const std::string& prefix) {
  const auto names = names_after(directory.get(), prefix);
  if (!names) return Failure(names.error());
  for (std::string name : *names) {
    Result<bool> more = true;
    if (!name.ends_with('/')) {
      more = add_file(directory.get(), name, prefix);
    } else {
      const std::string below = prefix + name;
      name.pop_back();
      UniqueFd next(
          ::openat(directory.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (!next && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) continue;  // it went
      if (!next) return fail_with_errno();
      more = add_directory(std::move(next), below);
    }
    if (!more || !*more) return more;
  }
  return true;
}

}  // namespace

Result<ObjectPage> list_directory(int root_fd, std::string_view after, std::size_t limit) {
  UniqueFd root(::openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) return fail_with_errno();
  Lister lister(after, limit);
  const auto listed = lister.add_directory(std::move(root), "");
  if (!listed) return Failure(listed.error());
  return lister.take_page();
}

}  // namespace vfsprof::vfs
