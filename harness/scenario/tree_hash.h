#pragma once

#include <filesystem>
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

}  // namespace vfsprof::harness
