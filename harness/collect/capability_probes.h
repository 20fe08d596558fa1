#pragma once

#include <string>
#include <vector>

#include "reports/model/run_result.h"

namespace vfsprof::harness {

/// A command as this user has to type it.
std::string as_root(const std::string& command);

// What can be counted and traced on this machine, each found out by trying it on this process.
// Parts of probe_capabilities().

reports::Capability probe_software_events();
reports::Capability probe_user_stack_copies();
/// tracefs; mounted where it is not and this user may.
reports::Capability probe_tracefs();
reports::Capability probe_tracepoint_events();
reports::Capability probe_fuse_tracepoints();
reports::Capability probe_btf();

/// Every collector of the list that can observe any program, run on this process for a moment.
std::vector<reports::Capability> probe_collectors();

}  // namespace vfsprof::harness
