#pragma once

#include <memory>

#include "harness/target/target.h"

namespace vfsprof::harness {

/// The reference file system on a real mount: `vfsprof-mount`, started as a child beside this
/// program's own file, with mount point, cache directory and counters inside the round's directory.
std::unique_ptr<Target> start_fuse_target(const TargetOptions& options);

}  // namespace vfsprof::harness
