#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace vfsprof::harness {

/// One entry of a tree, as far as the tree's hash goes.
struct TreeEntry {
  std::string path;   ///< from the directory on
  std::string value;  ///< "mode 100644, 4096 bytes, contents 0123456789abcdef..."
  friend bool operator==(const TreeEntry&, const TreeEntry&) = default;
};

/// A hash over everything below a directory that a program can rely on: names, types, permission
/// bits, sizes and contents of files, targets of symbolic links. Independent of inode numbers,
/// times, owners, listing order, and of the directory's own name and permissions. Symbolic links
/// are not followed. 32 hexadecimal digits.
/// Errors: EnvironmentError naming the entry that cannot be read.
std::string hash_tree(const std::filesystem::path& directory);

/// The same; each entry is added to `entries`, in the order of their paths' parts.
std::string hash_tree(const std::filesystem::path& directory, std::vector<TreeEntry>& entries);

/// A tree that is not reached by system calls. Paths are relative to its root, which is "".
/// Errors, of each: EnvironmentError.
class TreeReader {
 public:
  struct Status {
    mode_t mode = 0;
    std::uint64_t size_bytes = 0;
  };

  virtual ~TreeReader() = default;
  /// Names, without "." and "..".
  virtual std::vector<std::string> list(const std::string& path) = 0;
  virtual Status status(const std::string& path) = 0;
  virtual std::string read_link(const std::string& path) = 0;
  /// Hands out the contents of a file, piece by piece.
  virtual void read(const std::string& path,
                    const std::function<void(std::span<const std::byte>)>& take) = 0;
};

/// The same over such a tree: equal trees have equal hashes and entries.
std::string hash_tree(TreeReader& tree, std::vector<TreeEntry>& entries);

[[noreturn]] void throw_unreadable_tree(const std::string& path, int error_number);

}  // namespace vfsprof::harness
