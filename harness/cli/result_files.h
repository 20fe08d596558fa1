#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace vfsprof::harness {

/// Creates the directory for results. Errors: BadInput if that is impossible.
void prepare_output_directory(const std::filesystem::path& directory);

/// Writes a file whole or not at all: a temporary name, then rename.
/// Errors: EnvironmentError, with the reason (disk full, no permission).
void write_file(const std::filesystem::path& path, std::string_view text);

/// Errors: BadInput if the file cannot be read.
std::string read_file(const std::filesystem::path& path);

}  // namespace vfsprof::harness
