#pragma once

#include <memory>

#include "harness/target/target.h"

namespace vfsprof::harness {

/// The reference file system within the clients' process (harness/inproc): this only makes its
/// directories and says how it is set up.
std::unique_ptr<Target> start_in_process_target(const TargetOptions& options);

}  // namespace vfsprof::harness
