#include "harness/scenario/tree_hash.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "harness/error.h"
#include "harness/scenario/hash.h"
#include "vfs/base/result.h"
#include "vfs/base/unique_fd.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void throw_unreadable(const fs::path& path, int error_number) {
  throw EnvironmentError(fmt::format("cannot read {} to compare trees: {}", path.string(),
                                     describe(Errno{error_number})));
}

/// Adds a file's contents to the hash of the tree; returns a hash of its own.
std::string hash_contents(const fs::path& path, ContentHash& hash, std::vector<std::byte>& buffer) {
  ContentHash own;
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) throw_unreadable(path, errno);
  std::uint64_t total = 0;
  while (true) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw_unreadable(path, errno);
    if (n == 0) break;
    const auto bytes = std::span(buffer).first(static_cast<std::size_t>(n));
    hash.add(bytes);
    own.add(bytes);
    total += static_cast<std::uint64_t>(n);
  }
  // Behind the contents: what was read, so that a size that stat reports wrongly shows too.
  hash.add_value(total);
  return own.hex();
}

class TreeHasher {
 public:
  explicit TreeHasher(std::vector<TreeEntry>& entries) : entries_(entries) {}

  std::string hash(const fs::path& directory) {
    root_length_ = directory.native().size() + 1;
    add_directory(directory);
    return hash_.hex();
  }

 private:
  void add_directory(const fs::path& directory) {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator it(directory, error), end; !error && it != end;
         it.increment(error)) {
      names.push_back(it->path().filename().native());
    }
    if (error) throw_unreadable(directory, error.value());
    std::ranges::sort(names);
    hash_.add_value(std::uint64_t{names.size()});
    for (const std::string& name : names) {
      hash_.add_text(name);
      add_entry(directory / name);
    }
  }

  void add_entry(const fs::path& path) {
    struct stat status{};
    if (::lstat(path.c_str(), &status) != 0) throw_unreadable(path, errno);
    hash_.add_value(std::uint64_t{status.st_mode});
    const std::size_t own = entries_.size();
    entries_.push_back({.path = path.native().substr(root_length_),
                        .value = fmt::format("mode {:o}", status.st_mode)});
    if (S_ISDIR(status.st_mode)) {
      add_directory(path);
    } else if (S_ISREG(status.st_mode)) {
      hash_.add_value(static_cast<std::uint64_t>(status.st_size));
      const std::string contents = hash_contents(path, hash_, buffer_);
      entries_[own].value += fmt::format(", {} bytes, contents {}", status.st_size, contents);
    } else if (S_ISLNK(status.st_mode)) {
      std::error_code error;
      const std::string text = fs::read_symlink(path, error).native();
      hash_.add_text(text);
      entries_[own].value += ", link to " + text;
      if (error) throw_unreadable(path, error.value());
    }
  }

  std::vector<TreeEntry>& entries_;
  std::size_t root_length_ = 0;
  ContentHash hash_;
  std::vector<std::byte> buffer_ = std::vector<std::byte>(1 << 20);
};

}  // namespace

std::string hash_tree(const fs::path& directory) {
  std::vector<TreeEntry> ignored;
  return hash_tree(directory, ignored);
}

std::string hash_tree(const fs::path& directory, std::vector<TreeEntry>& entries) {
  return TreeHasher(entries).hash(directory);
}

}  // namespace vfsprof::harness
