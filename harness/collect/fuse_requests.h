#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace vfsprof::harness {

/// "WRITE" for FUSE_WRITE, a number where it has no name here. Source: include/uapi/linux/fuse.h.
std::string fuse_operation_name(std::uint32_t operation);

/// Whether a process has /dev/fuse open: it serves a FUSE file system.
bool serves_fuse(pid_t pid);

}  // namespace vfsprof::harness
