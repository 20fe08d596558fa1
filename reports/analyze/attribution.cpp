#include "reports/analyze/attribution.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace vfsprof::reports {
namespace {

/// The frames that decided a cell in one arm; empty where it has no such cell.
std::vector<SymbolShare> frames_of(const ProfileTables* arm, const CategoryChange& change) {
  if (arm == nullptr) return {};
  for (const RoleTable& role : arm->roles) {
    if (role.role != change.role) continue;
    for (const CategoryRow& row : role.rows) {
      if (row.id == change.id) return row.deciding.empty() ? row.chains : row.deciding;
    }
  }
  return {};
}

bool has_moved(const CategoryChange& change) {
  return change.verdict == CellVerdict::kBetter || change.verdict == CellVerdict::kWorse ||
         change.verdict == CellVerdict::kNew || change.verdict == CellVerdict::kGone;
}

/// What equal arms show of the same cell by chance.
double chance_ns(const std::vector<CategoryChange>& control, const CategoryChange& change) {
  for (const CategoryChange& each : control) {
    if (each.role == change.role && each.id == change.id) {
      return std::abs(each.cost_difference_ns.value);
    }
  }
  return 0;
}

/// The end of the interval that is nearer to zero, less what chance alone does.
double certain_ns(const ChangedCells& compared, const CategoryChange& change) {
  const Estimate& moved = change.cost_difference_ns;
  double least = std::abs(moved.value);
  if (moved.interval) least = moved.value > 0 ? moved.interval->low : -moved.interval->high;
  return std::max(0.0, least - chance_ns(compared.control, change));
}

}  // namespace

MovedCell describe_cell(const ChangedCells& compared, const CategoryChange& change) {
  const bool is_dearer = change.cost_difference_ns.value > 0;
  return {.role = change.role,
          .id = change.id,
          .title = change.title,
          .cost_ns = change.cost_difference_ns,
          .certain_ns = certain_ns(compared, change),
          .counted = {},
          .frames = frames_of(is_dearer ? compared.after : compared.before, change)};
}

Attribution rank_cells(const ChangedCells& compared) {
  Attribution result;
  double explained_ns = 0;
  for (const CategoryChange& change : compared.changes) {
    if (change.role.empty()) continue;  // a sum of others
    result.change_ns += change.cost_difference_ns.value;
    if (!has_moved(change)) continue;
    explained_ns += change.cost_difference_ns.value;
    result.cells.push_back(describe_cell(compared, change));
  }
  result.unexplained_ns = result.change_ns - explained_ns;
  for (MovedCell& cell : result.cells) {
    if (result.change_ns != 0) cell.part = cell.cost_ns.value / result.change_ns;
  }
  const auto order = [](const MovedCell& cell) {
    return std::tuple(-cell.certain_ns, -std::abs(cell.cost_ns.value));
  };
  std::ranges::stable_sort(
      result.cells, [&](const MovedCell& a, const MovedCell& b) { return order(a) < order(b); });
  return result;
}

Attribution attribute_change(const Report& report, const Comparison& comparison,
                             const Comparison* control) {
  Attribution result;
  const ArmSummary &before = report.arms[comparison.before], &after = report.arms[comparison.after];
  if (comparison.changes.empty() || before.operations == 0) {
    result.absent = "there are no profiling rounds of both arms";
    return result;
  }
  if (!comparison.changes_judged) {
    result.absent = "two profiling rounds or more of each arm are needed";
    return result;
  }
  static const std::vector<CategoryChange> kNone;
  return rank_cells({.changes = comparison.changes,
                     .control = control == nullptr ? kNone : control->changes,
                     .before = before.profile ? &*before.profile : nullptr,
                     .after = after.profile ? &*after.profile : nullptr});
}

}  // namespace vfsprof::reports
