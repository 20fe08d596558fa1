#pragma once

#include <string>
#include <vector>

#include "harness/experiment/experiment.h"

namespace vfsprof::harness {

/// In lockstep mounts of ours go around the kernel's page cache: what it holds depends on memory
/// pressure, and what it reads ahead on time, so that read requests would not repeat. Sets
/// direct_io=on on every arm that is mounted, which each report shows, and returns a line for each
/// kind of arm that was changed, or could not be (writeback=on is that cache).
std::vector<std::string> go_around_page_cache(ExperimentOptions& experiment);

}  // namespace vfsprof::harness
