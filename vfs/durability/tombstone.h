#pragma once

#include <sys/stat.h>

#include <string_view>

#include "vfs/namespace/inode_record.h"

namespace vfsprof::vfs {

/// The record that keeps the object of a removed file out of sight (`InodeRecord::is_tombstone`).
/// It takes the place of the inode's own record, whose number is not given out again.
inline InodeRecord tombstone_of(InodeId inode, std::string_view store_key) {
  InodeRecord record;
  record.attributes.inode = inode;
  record.attributes.mode = S_IFREG;
  record.store_key = store_key;
  return record;
}

}  // namespace vfsprof::vfs
