#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace vfsprof::harness {

/// What `import` takes to make a workload out of a log.
struct ImportWorkloadOptions {
  std::string from;  ///< format; empty: told by how the first file begins
  std::string root;
};

void add_import_workload_options(CLI::App& command, ImportWorkloadOptions& options);

/// Imports the files as a workload into `out` (empty: vfsprof-out/NAME.jsonl) and says what was
/// read, mapped and left out. Returns false, with nothing done, if they are none: profiles.
/// Errors: BadInput.
bool import_workload(const std::vector<std::string>& files, const ImportWorkloadOptions& options,
                     const std::string& out);

}  // namespace vfsprof::harness
