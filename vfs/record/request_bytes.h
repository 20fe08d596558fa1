#pragma once

// Reading what FUSE requests and replies are made of.

#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "vfs/record/recorded_names.h"

namespace vfsprof::vfs {

/// Open files that a list can have at a time, and the longest path in it.
inline constexpr std::uint32_t kMostFiles = 1000;
inline constexpr std::size_t kMostPathBytes = 4000;

/// The bytes as a structure of linux/fuse.h; zeros where they are cut.
template <class T>
T read_as(std::span<const std::byte> bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
  return value;
}

/// The text behind the first `skip` bytes, up to its end.
inline std::string_view text_in(std::span<const std::byte> bytes, std::size_t skip) {
  if (bytes.size() <= skip) return {};
  const auto* const text = reinterpret_cast<const char*>(bytes.data()) + skip;
  return {text, ::strnlen(text, bytes.size() - skip)};
}

/// What an inode with this mode is.
inline RecordedNames::Type type_of(std::uint32_t mode) {
  return S_ISREG(mode)   ? RecordedNames::Type::kFile
         : S_ISDIR(mode) ? RecordedNames::Type::kDirectory
         : S_ISLNK(mode) ? RecordedNames::Type::kSymlink
                         : RecordedNames::Type::kOther;
}

}  // namespace vfsprof::vfs
