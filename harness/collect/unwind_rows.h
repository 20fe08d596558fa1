#pragma once

#include <sys/types.h>

#include <string_view>
#include <vector>

#include "harness/bpf/waits_layout.h"

namespace vfsprof::harness {

/// The unwind tables of a process's code, as the BPF programs walk them.
struct UnwindRows {
  std::vector<module_range> modules;  ///< at most kModules: run-time libraries first
  std::vector<unwind_row> rows;       ///< each module's ascending
};

/// Empty for a process whose mappings cannot be read.
UnwindRows unwind_rows_of(pid_t pid);

/// Whether frames of an object are never what called: C and C++ run-time libraries make system
/// calls on behalf of their callers. `path` as in /proc/PID/maps.
bool is_run_time_library(std::string_view path);

}  // namespace vfsprof::harness
