#pragma once

#include <string>
#include <vector>

#include "reports/analyze/report.h"

namespace vfsprof::reports {

/// A category of a thread role whose cost moved.
struct MovedCell {
  std::string role;
  std::string id;
  std::string title;
  Estimate cost_ns;                 ///< after less before, per operation
  double part = 0;                  ///< of the whole change; negative where it went the other way
  std::vector<SymbolShare> frames;  ///< that put samples there, of the arm where it is dearer
};

/// Where a change of CPU time per operation comes from, by the profiling rounds.
struct Attribution {
  std::string absent;            ///< why nothing can be said; empty if something can
  double change_ns = 0;          ///< of all cells together, per operation
  std::vector<MovedCell> cells;  ///< those with a verdict of their own, largest first
  double unexplained_ns = 0;     ///< what those leave over
};

/// Ranks the cells of a comparison that moved.
Attribution attribute_change(const Report& report, const Comparison& comparison);

}  // namespace vfsprof::reports
