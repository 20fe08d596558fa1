#include "reports/gate/explain_regression.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>

#include "reports/analyze/arm_summary.h"
#include "reports/analyze/compare.h"
#include "reports/analyze/text.h"
#include "reports/gate/counted_work.h"

namespace vfsprof::reports {
namespace {

constexpr std::size_t kLeastRounds = 2;  // between rounds nothing is known from one

struct ProfiledArm {
  AnalysedProfile analysed;
  ProfileTables tables;
};

std::optional<ProfiledArm> profile_arm(const RunResult& result, std::size_t arm,
                                       const RuleSet& rules) {
  auto analysed = analyse_profile(rounds_of(result, arm).profiling, rules,
                                  derive_seed(result.seed, result.arms[arm].name));
  if (!analysed) return std::nullopt;
  ProfileTables tables = make_profile_tables(*analysed, rules);
  if (tables.rounds < kLeastRounds || tables.operations == 0) return std::nullopt;
  return ProfiledArm{std::move(*analysed), std::move(tables)};
}

std::vector<CategoryChange> changes_between(const ProfiledArm& before, const ProfiledArm& after,
                                            const RuleSet& rules) {
  return compare_categories({before.analysed, before.tables}, {after.analysed, after.tables},
                            rules);
}

/// The thread role that most CPU time was sampled in.
std::string heaviest_role(const ProfiledArm& arm) {
  return arm.tables.roles.empty() ? "" : arm.tables.roles.front().role;
}

bool fits(const CountedWork& work, std::string_view role, std::string_view category) {
  return (work.role.empty() || work.role == role) &&
         std::ranges::find(work.categories, category) != work.categories.end();
}

std::string title_of(const RuleSet& rules, const std::string& category) {
  for (const Category& each : rules.categories) {
    if (each.id == category) return each.title;
  }
  return category;
}

std::string words_of(const CountedWork& work) {
  return fmt::format("{} {} -> {} {}", work.what, format_number(work.before),
                     format_number(work.after), work.unit);
}

/// The cell in which counted work is found: of those that fit, the one that became dearer by most.
/// Where no sample fell into any, its first category, of the busiest threads if nobody knows whose.
MovedCell cell_of(const CountedWork& work, const ChangedCells& compared, const ProfiledArm& after,
                  const RuleSet& rules) {
  const CategoryChange* dearest = nullptr;
  for (const CategoryChange& change : compared.changes) {
    if (change.role.empty() || !fits(work, change.role, change.id)) continue;
    if (dearest == nullptr || change.cost_difference_ns.value > dearest->cost_difference_ns.value) {
      dearest = &change;
    }
  }
  if (dearest != nullptr) return describe_cell(compared, *dearest);
  MovedCell cell;
  cell.role = work.role.empty() ? heaviest_role(after) : work.role;
  cell.id = work.categories.front();
  cell.title = title_of(rules, cell.id);
  return cell;
}

/// Says in a cell what was counted; adds the cell where it has no verdict of its own.
void add_count(const CountedWork& work, MovedCell cell, Attribution& found) {
  auto known = std::ranges::find_if(found.cells, [&cell](const MovedCell& each) {
    return each.role == cell.role && each.id == cell.id;
  });
  if (known == found.cells.end()) {
    found.unexplained_ns -= cell.cost_ns.value;
    if (found.change_ns != 0) cell.part = cell.cost_ns.value / found.change_ns;
    known = found.cells.insert(known, std::move(cell));
  }
  known->counted += (known->counted.empty() ? "" : "; ") + words_of(work);
}

/// What the counts by thread say where nobody could sample.
Attribution by_counts_alone(const RunResult& result, const GateScenario& judged,
                            const RuleSet& rules) {
  Attribution found;
  found.absent = "two profiling rounds or more of each arm are needed";
  for (const CountedWork& work : counted_increases(result, judged)) {
    if (work.role.empty()) continue;
    MovedCell cell;
    cell.role = work.role;
    cell.id = work.categories.front();
    cell.title = title_of(rules, cell.id);
    add_count(work, std::move(cell), found);
  }
  return found;
}

void rank_causes(double before_ns, std::vector<MovedCell>& cells) {
  double counted_ns = 0;
  for (const MovedCell& cell : cells) {
    if (!cell.counted.empty() && cell.cost_ns.value > 0) {
      counted_ns = std::max(counted_ns, cell.certain_ns);
    }
  }
  const double outranks_ns = std::max(kFarDearer * counted_ns, kSubstantial * before_ns);
  const auto order = [outranks_ns](const MovedCell& cell) {
    const bool is_dearer = cell.cost_ns.value > 0;
    const int place = is_dearer && cell.certain_ns > outranks_ns ? 0
                      : !cell.counted.empty()                    ? 1
                      : is_dearer                                ? 2
                                                                 : 3;
    return std::tuple(place, -cell.certain_ns, -cell.cost_ns.value);
  };
  std::ranges::stable_sort(
      cells, [&](const MovedCell& a, const MovedCell& b) { return order(a) < order(b); });
}

}  // namespace

Attribution explain_regression(const RunResult& result, const GateScenario& judged,
                               const RuleSet& rules) {
  const GateArms arms = arms_of(result);
  const auto before = profile_arm(result, kBaselineArm, rules);
  const auto after =
      arms.candidate ? profile_arm(result, *arms.candidate, rules) : std::optional<ProfiledArm>();
  if (!before || !after) return by_counts_alone(result, judged, rules);
  const auto control =
      arms.control ? profile_arm(result, *arms.control, rules) : std::optional<ProfiledArm>();
  const auto changes = changes_between(*before, *after, rules);
  const auto chance =
      control ? changes_between(*before, *control, rules) : std::vector<CategoryChange>();
  const ChangedCells compared{
      .changes = changes, .control = chance, .before = &before->tables, .after = &after->tables};
  Attribution found = rank_cells(compared);
  for (const CountedWork& work : counted_increases(result, judged)) {
    add_count(work, cell_of(work, compared, *after, rules), found);
  }
  double before_ns = 0;
  for (const CategoryChange& change : changes) {
    if (!change.role.empty()) before_ns += change.before.cost_ns.value;
  }
  rank_causes(before_ns, found.cells);
  return found;
}

}  // namespace vfsprof::reports
