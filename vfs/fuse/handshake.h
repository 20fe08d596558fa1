#pragma once

#define FUSE_USE_VERSION 35
#include <fuse_lowlevel.h>

#include <cstdint>
#include <string>

#include "vfs/mount_options.h"

namespace vfsprof::vfs {

/// What a kernel offers of that which mount options ask for.
struct KernelOffer {
  std::uint64_t max_write = 0;  ///< bytes
  bool writeback = false;
};

/// Which of `options` goes beyond the offer, and what to do; empty if none does.
std::string refusal(const MountOptions& options, const KernelOffer& offer);

/// Asks the kernel, as it says hello, for what the options need. Returns the refusal if it does not
/// offer that: then libfuse refuses the connection.
std::string shake_hands(const MountOptions& options, fuse_conn_info& connection);

}  // namespace vfsprof::vfs
