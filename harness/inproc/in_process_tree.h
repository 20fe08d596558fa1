#pragma once

#include <string>
#include <vector>

#include "harness/inproc/file_system.h"
#include "harness/scenario/tree_hash.h"

namespace vfsprof::harness {

/// hash_tree (tree_hash.h) over a file system in this process.
std::string hash_tree(InProcessFileSystem& files, std::vector<TreeEntry>& entries);

}  // namespace vfsprof::harness
