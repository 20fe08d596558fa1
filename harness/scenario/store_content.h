#pragma once

#include <cstdint>
#include <filesystem>

#include "harness/scenario/scenario.h"

namespace vfsprof::harness {

/// Whether files of the scenario lie in the object store at the start.
bool has_stored_files(const Scenario& scenario);

/// Puts them into a directory, each under its name, as a store of kind `dir` takes them.
/// Errors: EnvironmentError naming the file.
void fill_store(const Scenario& scenario, std::uint64_t seed,
                const std::filesystem::path& directory);

}  // namespace vfsprof::harness
