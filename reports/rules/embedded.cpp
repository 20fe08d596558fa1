#include "reports/rules/embedded.h"

#include <algorithm>

#include "vfs/base/check.h"

namespace vfsprof::reports {

std::string_view embedded_text(std::string_view name) {
  const std::span<const EmbeddedFile> files = rule_files();
  const auto found = std::find_if(files.begin(), files.end(),
                                  [&](const EmbeddedFile& f) { return f.name == name; });
  VFSPROF_CHECK(found != files.end());
  return found->text;
}

}  // namespace vfsprof::reports
