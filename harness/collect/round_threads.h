#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "reports/model/run_result.h"

namespace vfsprof::harness {

/// The index of a thread in Round::threads; one that ended before anybody else saw it is added
/// under the name that the kernel showed for it.
std::uint32_t thread_index(reports::Round& round, pid_t tid, const std::string& kernel_name);

}  // namespace vfsprof::harness
