#pragma once

#include <filesystem>
#include <memory>

#include "harness/target/target.h"

namespace vfsprof::harness {

/// A new directory inside `parent`, for `dir=PATH` and `external=PATH`: whoever serves it is not
/// started and not observed. Removed with everything in it at the end. Errors: BadInput if `parent`
/// is not a directory that can be written.
std::unique_ptr<Target> start_directory_target(const std::filesystem::path& parent);

}  // namespace vfsprof::harness
