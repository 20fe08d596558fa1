#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include "reports/analyze/compare.h"

namespace vfsprof::reports {
namespace {

constexpr double kFalseDiscoveryRate = 0.05;

struct RowKey {
  std::string role;  ///< empty: all threads
  std::string id;
  friend auto operator<=>(const RowKey&, const RowKey&) = default;
};

/// A row of one arm: a cell, or the sum of a group's cells.
struct Figure {
  CellSpread spread;
  CpuTime time;
};

struct RowPair {
  std::string title;
  std::optional<Figure> before;
  std::optional<Figure> after;
};

using Rows = std::map<RowKey, RowPair>;
using Side = std::optional<Figure> RowPair::*;

void add_spread(std::optional<Figure>& figure, const CellSpread& spread) {
  if (figure) {
    figure->spread.add(spread);
  } else {
    figure = Figure{spread, {}};
  }
}

void collect(const ComparedProfile& arm, const RuleSet& rules, Side side, Rows& rows) {
  const ArmProfile& profile = arm.analysed.profile;
  for (std::size_t i = 0; i < profile.cells.size(); ++i) {
    if (profile.cells[i].weight_ns == 0) continue;
    const Category& category = category_of(rules, profile.cells[i].category);
    add_spread(rows[{profile.cells[i].role, category.id}].*side, arm.analysed.spreads[i]);
    if (!category.group.empty()) {
      add_spread(rows[{"", category.group}].*side, arm.analysed.spreads[i]);
    }
  }
  for (const RoleTable& role : arm.tables.roles) {
    for (const CategoryRow& row : role.rows) {
      if (row.time.weight_ns == 0) continue;
      RowPair& pair = rows[{role.role, row.id}];
      pair.title = row.title;
      (pair.*side)->time = row.time;
    }
  }
  for (const GroupTotal& group : arm.tables.groups) {
    if (group.time.weight_ns == 0) continue;
    RowPair& pair = rows[{"", group.group}];
    pair.title = group.group;
    (pair.*side)->time = group.time;
  }
}

Figure nothing(std::size_t rounds) {
  Figure figure;
  figure.spread.share_spread.rounds = figure.spread.cost_spread.rounds = rounds;
  return figure;
}

/// A change and how likely chance alone makes one as large.
struct Candidate {
  CategoryChange change;
  double share_p = 1;
  double cost_p = 1;
};

Candidate make_candidate(const RowKey& key, const RowPair& row, std::size_t rounds_before,
                         std::size_t rounds_after) {
  const Figure before = row.before.value_or(nothing(rounds_before));
  const Figure after = row.after.value_or(nothing(rounds_after));
  const Difference share = difference(before.spread.share, before.spread.share_spread,
                                      after.spread.share, after.spread.share_spread);
  const Difference cost = difference(before.spread.cost_ns, before.spread.cost_spread,
                                     after.spread.cost_ns, after.spread.cost_spread);
  const std::uint64_t samples = std::max(before.time.samples, after.time.samples);
  return {.change = {.role = key.role,
                     .id = key.id,
                     .title = row.title,
                     .before = before.time,
                     .after = after.time,
                     .share_difference = {share.value, share.interval},
                     .cost_difference_ns = {cost.value, cost.interval},
                     .thin = samples > 0 && samples < kThinSamples},
          .share_p = share.p_value,
          .cost_p = cost.p_value};
}

bool excludes_zero(const Estimate& estimate) {
  return estimate.interval && (estimate.interval->low > 0 || estimate.interval->high < 0);
}

/// Without a count of operations there is no cost, and a share alone says neither better nor worse.
CellVerdict judge_share(const CategoryChange& change, bool is_significant) {
  if (!is_significant || !excludes_zero(change.share_difference)) {
    return CellVerdict::kNotSignificant;
  }
  if (change.before.weight_ns == 0) return CellVerdict::kNew;
  return change.after.weight_ns == 0 ? CellVerdict::kGone : CellVerdict::kShareMoved;
}

CellVerdict judge(const Candidate& candidate, bool share_significant, bool cost_significant) {
  const CategoryChange& change = candidate.change;
  if (cost_significant && excludes_zero(change.cost_difference_ns)) {
    if (change.before.weight_ns == 0) return CellVerdict::kNew;
    if (change.after.weight_ns == 0) return CellVerdict::kGone;
    return change.cost_difference_ns.value < 0 ? CellVerdict::kBetter : CellVerdict::kWorse;
  }
  return share_significant && excludes_zero(change.share_difference) ? CellVerdict::kRenormalised
                                                                     : CellVerdict::kNotSignificant;
}

void judge_all(std::vector<Candidate>& candidates, bool has_costs) {
  std::vector<double> share_p, cost_p;
  for (const Candidate& candidate : candidates) {
    share_p.push_back(candidate.share_p);
    cost_p.push_back(candidate.cost_p);
  }
  const std::vector<bool> share = false_discovery_control(share_p, kFalseDiscoveryRate);
  const std::vector<bool> cost = false_discovery_control(cost_p, kFalseDiscoveryRate);
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    candidates[i].change.verdict = has_costs ? judge(candidates[i], share[i], cost[i])
                                             : judge_share(candidates[i].change, share[i]);
  }
}

}  // namespace

std::vector<CategoryChange> compare_categories(const ComparedProfile& before,
                                               const ComparedProfile& after, const RuleSet& rules) {
  Rows rows;
  collect(before, rules, &RowPair::before, rows);
  collect(after, rules, &RowPair::after, rows);
  const std::size_t rounds_before = before.tables.rounds;
  const std::size_t rounds_after = after.tables.rounds;
  std::vector<Candidate> candidates;
  for (const auto& [key, row] : rows) {
    candidates.push_back(make_candidate(key, row, rounds_before, rounds_after));
  }
  // How much rounds differ from each other is not known from one.
  const bool has_costs = before.tables.operations > 0 && after.tables.operations > 0;
  if (rounds_before >= 2 && rounds_after >= 2) judge_all(candidates, has_costs);

  std::vector<CategoryChange> changes;
  for (Candidate& candidate : candidates) {
    CategoryChange& change = changes.emplace_back(std::move(candidate.change));
    change.before.has_cost = change.after.has_cost = has_costs;
    if (before.tables.has_intervals && after.tables.has_intervals) continue;
    change.share_difference.interval.reset();
    change.cost_difference_ns.interval.reset();
  }
  // Groups first, then the most expensive (the largest, where costs are not known), then by name.
  const auto order = [has_costs](const CategoryChange& change) {
    const double size = has_costs
                            ? std::max(change.before.cost_ns.value, change.after.cost_ns.value)
                            : std::max(change.before.share.value, change.after.share.value);
    return std::tuple(!change.role.empty(), -size, std::string_view(change.role),
                      std::string_view(change.id));
  };
  std::sort(changes.begin(), changes.end(),
            [&](const auto& a, const auto& b) { return order(a) < order(b); });
  return changes;
}

}  // namespace vfsprof::reports
