#include "reports/analyze/attribution.h"

#include <algorithm>
#include <cmath>

namespace vfsprof::reports {
namespace {

/// The frames that decided a cell in one arm; empty where it has no such cell.
std::vector<SymbolShare> frames_of(const ArmSummary& arm, const CategoryChange& change) {
  if (!arm.profile) return {};
  for (const RoleTable& role : arm.profile->roles) {
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

}  // namespace

Attribution attribute_change(const Report& report, const Comparison& comparison) {
  Attribution result;
  if (comparison.changes.empty() || report.arms[comparison.before].operations == 0) {
    result.absent = "there are no profiling rounds of both arms";
    return result;
  }
  if (!comparison.changes_judged) {
    result.absent = "two profiling rounds or more of each arm are needed";
    return result;
  }
  double explained_ns = 0;
  for (const CategoryChange& change : comparison.changes) {
    if (change.role.empty()) continue;  // a sum of others
    result.change_ns += change.cost_difference_ns.value;
    if (!has_moved(change)) continue;
    explained_ns += change.cost_difference_ns.value;
    const std::size_t dearer =
        change.cost_difference_ns.value > 0 ? comparison.after : comparison.before;
    result.cells.push_back({.role = change.role,
                            .id = change.id,
                            .title = change.title,
                            .cost_ns = change.cost_difference_ns,
                            .frames = frames_of(report.arms[dearer], change)});
  }
  result.unexplained_ns = result.change_ns - explained_ns;
  for (MovedCell& cell : result.cells) {
    if (result.change_ns != 0) cell.part = cell.cost_ns.value / result.change_ns;
  }
  std::ranges::stable_sort(result.cells, [](const MovedCell& a, const MovedCell& b) {
    return std::abs(a.cost_ns.value) > std::abs(b.cost_ns.value);
  });
  return result;
}

}  // namespace vfsprof::reports
