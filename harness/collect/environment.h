#pragma once

#include <string>
#include <string_view>

#include "reports/model/run_result.h"

namespace vfsprof::harness {

/// Stands in Environment for a kernel setting that could not be read; no kernel uses it.
inline constexpr int kUnknownSetting = -1000;

/// This machine and this build. `libfuse` stays empty: whoever links it knows its version.
reports::Environment read_environment();

/// PRETTY_NAME of the text of /etc/os-release, unquoted; empty if there is none.
std::string distribution_of(std::string_view os_release);

}  // namespace vfsprof::harness
