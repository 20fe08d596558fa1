#pragma once

#include <string>

#include "harness/inproc/file_system.h"

namespace vfsprof::harness {

/// hash_tree (tree_hash.h) over a file system in this process.
std::string hash_tree(InProcessFileSystem& files);

}  // namespace vfsprof::harness
