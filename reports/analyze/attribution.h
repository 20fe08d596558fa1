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
  Estimate cost_ns;       ///< after less before, per operation
  double part = 0;        ///< of the whole change; negative where it went the other way
  double certain_ns = 0;  ///< what it moved at least, to either side, beyond what equal arms do
  std::string counted;    ///< what was counted of its work (gate/counted_work.h); empty: nothing
  std::vector<SymbolShare> frames;  ///< that put samples there, of the arm where it is dearer
};

/// Where a change of CPU time per operation comes from, by the profiling rounds.
struct Attribution {
  std::string absent;            ///< why nothing can be said; empty if something can
  double change_ns = 0;          ///< of all cells together, per operation
  std::vector<MovedCell> cells;  ///< those with a verdict of their own, what moved surely first
  double unexplained_ns = 0;     ///< what those leave over
};

/// Two arms cell by cell.
struct ChangedCells {
  const std::vector<CategoryChange>& changes;
  const std::vector<CategoryChange>& control;  ///< of two equal arms; empty where there are none
  const ProfileTables* before = nullptr;
  const ProfileTables* after = nullptr;
};

/// One cell as the profiling rounds show it, whether it has a verdict or not.
MovedCell describe_cell(const ChangedCells& compared, const CategoryChange& change);

/// The cells that moved, ranked by what they moved at least.
Attribution rank_cells(const ChangedCells& compared);

/// The same of a comparison in a report; `control` compares equal arms.
Attribution attribute_change(const Report& report, const Comparison& comparison,
                             const Comparison* control = nullptr);

}  // namespace vfsprof::reports
