#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "reports/analyze/classified_stacks.h"
#include "reports/write/registry.h"

namespace vfsprof::reports {

/// The samples of one arm, and what it is called.
struct ArmStacks {
  std::string name;  ///< printable
  ClassifiedStacks stacks;
};

/// The arms that RenderOptions::arm asks for, those with samples.
/// Errors: FormatError if there is no such arm, or none of them has samples.
std::vector<ArmStacks> chosen_arms(const Rendering& rendering);

/// Before and after of the comparison that RenderOptions::arm asks for.
struct StacksPair {
  ArmStacks before;
  ArmStacks after;
};

/// Errors: FormatError if there is no such comparison, if it is void, or a side has no samples.
StacksPair chosen_comparison(const Rendering& rendering);

}  // namespace vfsprof::reports
