#pragma once

#include <string_view>

namespace vfsprof {

/// A data file compiled into the program (scripts/cmake/embed.cmake).
struct EmbeddedFile {
  std::string_view name;  ///< file name without its folder
  std::string_view text;
};

}  // namespace vfsprof
