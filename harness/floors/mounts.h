#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace vfsprof::harness {

/// The type of the file system that holds `path`, from the text of /proc/self/mountinfo: that of
/// the longest mount point above it, the last of equals. "unknown" if there is none.
std::string filesystem_of(std::string_view mountinfo, const std::filesystem::path& path);

}  // namespace vfsprof::harness
