#pragma once

#include <filesystem>
#include <string>

namespace vfsprof::harness {

/// A hash over everything below a directory that a program can rely on: names, types, permission
/// bits, sizes and contents of files, targets of symbolic links. Independent of inode numbers,
/// times, owners, listing order, and of the directory's own name and permissions. Symbolic links
/// are not followed. 32 hexadecimal digits.
/// Errors: EnvironmentError naming the entry that cannot be read.
std::string hash_tree(const std::filesystem::path& directory);

}  // namespace vfsprof::harness
