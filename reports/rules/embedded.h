#pragma once

#include <span>
#include <string_view>

#include "vfs/base/embedded_file.h"

namespace vfsprof::reports {

/// The data files of this layer, compiled in.
std::span<const EmbeddedFile> rule_files();

/// The text of one of them. A name that is not among them is a bug.
std::string_view embedded_text(std::string_view name);

}  // namespace vfsprof::reports
