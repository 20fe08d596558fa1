#include "harness/scenario/tree_hash.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "harness/error.h"
#include "harness/scenario/hash.h"
#include "vfs/base/result.h"
#include "vfs/base/unique_fd.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;

/// A directory of this machine.
class DirectoryReader final : public TreeReader {
 public:
  explicit DirectoryReader(fs::path root) : root_(std::move(root)) {}

  std::vector<std::string> list(const std::string& path) override {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator it(below(path), error), end; !error && it != end;
         it.increment(error)) {
      names.push_back(it->path().filename().native());
    }
    if (error) throw_unreadable_tree(below(path), error.value());
    return names;
  }

  Status status(const std::string& path) override {
    struct stat status{};
    if (::lstat(below(path).c_str(), &status) != 0) throw_unreadable_tree(below(path), errno);
    return {status.st_mode, static_cast<std::uint64_t>(status.st_size)};
  }

  std::string read_link(const std::string& path) override {
    std::error_code error;
    const std::string text = fs::read_symlink(below(path), error).native();
    if (error) throw_unreadable_tree(below(path), error.value());
    return text;
  }

  void read(const std::string& path,
            const std::function<void(std::span<const std::byte>)>& take) override {
    const UniqueFd fd(::open(below(path).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd) throw_unreadable_tree(below(path), errno);
    while (true) {
      const ssize_t n = ::read(fd.get(), buffer_.data(), buffer_.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) throw_unreadable_tree(below(path), errno);
      if (n == 0) return;
      take(std::span(buffer_).first(static_cast<std::size_t>(n)));
    }
  }

 private:
  /// Without a slash at the end: errors name it.
  fs::path below(const std::string& path) const { return path.empty() ? root_ : root_ / path; }

  const fs::path root_;
  std::vector<std::byte> buffer_ = std::vector<std::byte>(1 << 20);
};

class TreeHasher {
 public:
  TreeHasher(TreeReader& tree, std::vector<TreeEntry>& entries) : tree_(tree), entries_(entries) {}

  std::string hash() {
    add_directory("");
    return hash_.hex();
  }

 private:
  void add_directory(const std::string& path) {
    std::vector<std::string> names = tree_.list(path);
    std::ranges::sort(names);
    hash_.add_value(std::uint64_t{names.size()});
    for (const std::string& name : names) {
      hash_.add_text(name);
      add_entry(path.empty() ? name : path + "/" + name);
    }
  }

  void add_entry(const std::string& path) {
    const TreeReader::Status status = tree_.status(path);
    hash_.add_value(std::uint64_t{status.mode});
    const std::size_t own = entries_.size();
    entries_.push_back({.path = path, .value = fmt::format("mode {:o}", status.mode)});
    if (S_ISDIR(status.mode)) {
      add_directory(path);
    } else if (S_ISREG(status.mode)) {
      hash_.add_value(status.size_bytes);
      entries_[own].value +=
          fmt::format(", {} bytes, contents {}", status.size_bytes, add_contents(path));
    } else if (S_ISLNK(status.mode)) {
      const std::string text = tree_.read_link(path);
      hash_.add_text(text);
      entries_[own].value += ", link to " + text;
    }
  }

  /// Adds a file's contents to the hash of the tree; returns a hash of their own.
  std::string add_contents(const std::string& path) {
    ContentHash own;
    std::uint64_t total = 0;
    tree_.read(path, [&](std::span<const std::byte> bytes) {
      hash_.add(bytes);
      own.add(bytes);
      total += bytes.size();
    });
    // Behind the contents: what was read, so that a size that stat reports wrongly shows too.
    hash_.add_value(total);
    return own.hex();
  }

  TreeReader& tree_;
  std::vector<TreeEntry>& entries_;
  ContentHash hash_;
};

}  // namespace

void throw_unreadable_tree(const std::string& path, int error_number) {
  throw EnvironmentError(
      fmt::format("cannot read {} to compare trees: {}", path, describe(Errno{error_number})));
}

std::string hash_tree(const fs::path& directory) {
  std::vector<TreeEntry> ignored;
  return hash_tree(directory, ignored);
}

std::string hash_tree(const fs::path& directory, std::vector<TreeEntry>& entries) {
  DirectoryReader reader(directory);
  return hash_tree(reader, entries);
}

std::string hash_tree(TreeReader& tree, std::vector<TreeEntry>& entries) {
  return TreeHasher(tree, entries).hash();
}

}  // namespace vfsprof::harness
