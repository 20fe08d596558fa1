#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "harness/cli/measure.h"

namespace vfsprof::harness {

/// Completes what `compare` compares: two builds instead of variants, the control arm, the budget
/// and its looks. Throws BadInput if that does not fit together.
void apply_compare_design(const MeasureOptions& options, ExperimentOptions& experiment);

/// The folder of a build's vfsprof-mount: `directory`, or its `bin`. Throws BadInput naming both.
std::filesystem::path daemon_folder(const std::string& directory);

/// The first arm once more.
ArmSpec control_of(const ArmSpec& arm);

/// "2m" to a span of time. Throws BadInput naming the option.
std::chrono::nanoseconds parse_budget(const std::string& option, const std::string& text);

}  // namespace vfsprof::harness
