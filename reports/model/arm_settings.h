#pragma once

#include <algorithm>
#include <string_view>

#include "reports/model/run_result.h"

namespace vfsprof::reports {

// Settings of an arm that are neither axes nor mount options; they stand last in Arm::axes.

/// Folder of the build whose daemon served the arm; without it vfsprof's own.
inline constexpr std::string_view kBinarySetting = "binary";
/// The arm is the first one once more, to see what chance alone does: an A/A control.
inline constexpr std::string_view kControlSetting = "control";

inline bool is_control(const Arm& arm) {
  return std::ranges::any_of(
      arm.axes, [](const NamedValue& setting) { return setting.name == kControlSetting; });
}

/// Whether a result has a control arm.
inline bool has_control(const RunResult& result) {
  return std::ranges::any_of(result.arms, is_control);
}

}  // namespace vfsprof::reports
