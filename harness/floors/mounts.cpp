#include "harness/floors/mounts.h"

#include <algorithm>
#include <ranges>
#include <system_error>
#include <vector>

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (const auto part : std::views::split(text, separator)) {
    parts.emplace_back(part.begin(), part.end());
  }
  return parts;
}

bool is_within(const fs::path& path, const fs::path& directory) {
  const auto [in_directory, in_path] = std::ranges::mismatch(directory, path);
  return in_directory == directory.end();
}

}  // namespace

std::string filesystem_of(std::string_view mountinfo, const fs::path& path) {
  std::error_code error;
  const fs::path wanted = fs::weakly_canonical(path, error);
  std::string type = "unknown";
  std::size_t longest = 0;
  for (const std::string& line : split(mountinfo, '\n')) {
    // ID PARENT MAJOR:MINOR ROOT MOUNT-POINT OPTIONS [FIELD...] - TYPE SOURCE OPTIONS (proc(5))
    const std::vector<std::string> fields = split(line, ' ');
    const auto dash = std::ranges::find(fields, "-");
    if (fields.size() < 5 || fields.end() - dash < 2) continue;
    const std::string& mount_point = fields[4];
    if (mount_point.size() < longest || !is_within(wanted, mount_point)) continue;
    longest = mount_point.size();
    type = *(dash + 1);
  }
  return type;
}

}  // namespace vfsprof::harness
