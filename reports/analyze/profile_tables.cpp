#include "reports/analyze/profile_tables.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include <utility>

namespace vfsprof::reports {
namespace {

constexpr std::size_t kSymbolsKept = 5;
constexpr std::uint64_t kWholePrinted = 10'000;  // 100.00 %

Estimate estimate(double value, const Spread& spread, double highest) {
  const std::vector<double> deviation =
      deviations(spread, spread.rounds > 1 ? spread.rounds - 1 : 0);
  Interval interval = percentile_interval(value, deviation);
  interval.low = std::clamp(interval.low, 0.0, highest);
  interval.high = std::clamp(interval.high, interval.low, highest);
  return {value, interval};
}

/// A cell with few samples may lie in so few blocks that they hardly differ: its intervals are at
/// least those of samples that know nothing of each other.
void widen_thin(CategoryRow& row, std::uint64_t all_samples) {
  const Interval least = wilson_interval(row.time.samples, all_samples);
  const double share = static_cast<double>(row.time.samples) / static_cast<double>(all_samples);
  for (Estimate* const estimate : {&row.time.share, &row.time.cost_ns}) {
    const double unit = estimate->value / share;
    estimate->interval->low = std::min(estimate->interval->low, least.low * unit);
    estimate->interval->high = std::max(estimate->interval->high, least.high * unit);
  }
}

std::vector<SymbolShare> top_symbols(const std::map<std::string, std::uint64_t>& weights,
                                     std::uint64_t row_ns) {
  std::vector<std::pair<std::uint64_t, std::string>> sorted;
  for (const auto& [name, weight] : weights) sorted.emplace_back(weight, name);
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return std::tie(b.first, a.second) < std::tie(a.first, b.second);
  });
  if (sorted.size() > kSymbolsKept) sorted.resize(kSymbolsKept);
  std::vector<SymbolShare> result;
  for (const auto& [weight, name] : sorted) {
    result.push_back({name, static_cast<double>(weight) / static_cast<double>(row_ns)});
  }
  return result;
}

void add_counts(CpuTime& time, const Cell& cell) {
  time.samples += cell.samples;
  time.weight_ns += cell.weight_ns;
}

CategoryRow make_row(const Cell& cell, const CellSpread& spread, std::uint64_t all_samples,
                     const RuleSet& rules) {
  const Category& category = category_of(rules, cell.category);
  CategoryRow row;
  row.id = category.id;
  row.title = category.title;
  row.group = category.group;
  add_counts(row.time, cell);
  row.time.share = share_estimate(spread);
  row.time.cost_ns = cost_estimate(spread);
  row.thin = cell.samples > 0 && cell.samples < kThinSamples;
  if (row.thin) widen_thin(row, all_samples);
  if (cell.weight_ns == 0 && all_samples > 0) {
    // Rule of three: none of n samples is compatible with up to 3/n.
    row.time.share.interval = Interval{0, std::min(1.0, 3.0 / static_cast<double>(all_samples))};
  }
  row.deciding = top_symbols(cell.deciding, cell.weight_ns);
  row.leaves = top_symbols(cell.leaves, cell.weight_ns);
  row.chains = top_symbols(cell.chains, cell.weight_ns);
  return row;
}

/// Splits the whole into roles and each role into rows, so that what is printed adds up at both
/// levels.
void apportion_printed(std::vector<RoleTable>& roles, std::uint64_t whole,
                       std::uint64_t CpuTime::* printed) {
  std::vector<std::uint64_t> weights;
  for (const RoleTable& role : roles) weights.push_back(role.time.weight_ns);
  const std::vector<std::uint64_t> parts = apportion(weights, whole);
  for (std::size_t i = 0; i < roles.size(); ++i) {
    roles[i].time.*printed = parts[i];
    weights.clear();
    for (const CategoryRow& row : roles[i].rows) weights.push_back(row.time.weight_ns);
    const std::vector<std::uint64_t> rows = apportion(weights, parts[i]);
    for (std::size_t j = 0; j < rows.size(); ++j) roles[i].rows[j].time.*printed = rows[j];
  }
}

void add_scheduler_account(ProfileTables& tables, const ArmProfile& profile) {
  const double operations = static_cast<double>(std::max<std::uint64_t>(1, tables.operations));
  for (RoleTable& role : tables.roles) {
    for (const Round* round : profile.sources) {
      for (const Thread& thread : round->threads) {
        if (profile.shown_role(thread) != role.role) continue;
        role.threads += 1.0 / static_cast<double>(profile.sources.size());
        role.scheduled_ns += static_cast<double>(thread.cpu_ns) / operations;
        role.runnable_ns += static_cast<double>(thread.runnable_ns) / operations;
        role.switches +=
            static_cast<double>(thread.voluntary_switches + thread.involuntary_switches) /
            operations;
        if (thread.name != thread.full_name) role.kernel_name = thread.name;
      }
    }
  }
}

/// Needs the role tables with their printed figures, in order.
std::vector<GroupTotal> make_groups(const AnalysedProfile& analysed, const ProfileTables& tables,
                                    const RuleSet& rules) {
  std::map<std::string, CellSpread> spreads;
  for (std::size_t i = 0; i < analysed.profile.cells.size(); ++i) {
    const std::string& group = category_of(rules, analysed.profile.cells[i].category).group;
    const auto [found, is_new] = spreads.try_emplace(group, analysed.spreads[i]);
    if (!is_new) found->second.add(analysed.spreads[i]);
  }
  std::vector<GroupTotal> groups;
  for (const auto& [name, spread] : spreads) {
    if (name.empty()) continue;
    GroupTotal group{.group = name, .time = {}, .roles = {}};
    group.time.share = share_estimate(spread);
    group.time.cost_ns = cost_estimate(spread);
    std::vector<std::pair<std::uint64_t, std::string>> roles;
    for (const RoleTable& role : tables.roles) {
      std::uint64_t weight_ns = 0;
      for (const CategoryRow& row : role.rows) {
        if (row.group != name) continue;
        group.time.add_counts(row.time);
        weight_ns += row.time.weight_ns;
      }
      if (weight_ns > 0) roles.emplace_back(weight_ns, role.role);
    }
    std::sort(roles.rbegin(), roles.rend());
    for (const auto& [weight, role] : roles) group.roles.push_back(role);
    groups.push_back(std::move(group));
  }
  std::sort(groups.begin(), groups.end(), [](const GroupTotal& a, const GroupTotal& b) {
    return std::tie(b.time.weight_ns, a.group) < std::tie(a.time.weight_ns, b.group);
  });
  return groups;
}

void describe_sampling(ProfileTables& tables, const ArmProfile& profile) {
  for (const Round* round : profile.sources) {
    const Profile& sampled = *round->profile;
    tables.rounds += 1;
    tables.elapsed_ns += round->elapsed_ns;
    tables.operations += operations_of(*round);
    tables.event = sampled.event;
    tables.requested_event = sampled.requested_event;
    tables.frequency_hz = sampled.frequency_hz;
    tables.kernel_frames = tables.kernel_frames && sampled.kernel_frames;
    tables.lost += sampled.lost;
    tables.throttled += sampled.throttled;
    tables.whole_stacks += sampled.whole_stacks;
    tables.cut_short_stacks += sampled.cut_short_stacks;
    for (const Thread& thread : round->threads) tables.scheduled_ns += thread.cpu_ns;
    for (const SampleCount& sample : sampled.samples) {
      tables.samples += sample.count;
      tables.sampled_ns += sample.count * sampled.weight_ns;
    }
  }
}

SymbolShare heaviest_leaf(const ArmProfile& profile) {
  std::map<std::string, std::uint64_t> weights;
  std::uint64_t all = 0;
  for (const Cell& cell : profile.cells) {
    for (const auto& [name, weight] : cell.leaves) {
      weights[name] += weight;
      all += weight;
    }
  }
  const std::vector<SymbolShare> top = top_symbols(weights, all);
  return top.empty() ? SymbolShare() : top.front();
}

/// Role tables with their rows and spreads, not yet in order.
std::vector<RoleTable> make_roles(const AnalysedProfile& analysed, const RuleSet& rules,
                                  std::uint64_t all_samples) {
  std::vector<RoleTable> roles;
  std::map<std::string, std::pair<std::size_t, CellSpread>> sums;
  for (std::size_t i = 0; i < analysed.profile.cells.size(); ++i) {
    const Cell& cell = analysed.profile.cells[i];
    const CellSpread& spread = analysed.spreads[i];
    const auto [found, is_new] = sums.try_emplace(cell.role, roles.size(), spread);
    if (is_new) {
      roles.push_back({.role = cell.role, .note = {}, .kernel_name = {}, .time = {}, .rows = {}});
    } else {
      found->second.second.add(spread);
    }
    RoleTable& role = roles[found->second.first];
    add_counts(role.time, cell);
    role.rows.push_back(make_row(cell, spread, all_samples, rules));
  }
  for (const auto& [name, sum] : sums) {
    roles[sum.first].time.share = share_estimate(sum.second);
    roles[sum.first].time.cost_ns = cost_estimate(sum.second);
  }
  return roles;
}

/// Resampling one block gives it back each time: an interval of no width, which would be a lie.
bool can_be_resampled(const ArmProfile& profile) {
  return profile.rounds.size() > 1 ||
         (profile.rounds.size() == 1 && profile.rounds.front().blocks.size() > 1);
}

/// What these rounds cannot say is no figure.
void drop_unavailable(ProfileTables& tables) {
  const auto drop = [&tables](CpuTime& time) {
    time.has_cost = tables.operations > 0;
    if (tables.has_intervals) return;
    time.share.interval.reset();
    time.cost_ns.interval.reset();
  };
  for (RoleTable& role : tables.roles) {
    drop(role.time);
    for (CategoryRow& row : role.rows) drop(row.time);
  }
  for (GroupTotal& group : tables.groups) drop(group.time);
}

}  // namespace

Estimate share_estimate(const CellSpread& spread) {
  return estimate(spread.share, spread.share_spread, 1.0);
}

Estimate cost_estimate(const CellSpread& spread) {
  return estimate(spread.cost_ns, spread.cost_spread, HUGE_VAL);
}

std::optional<AnalysedProfile> analyse_profile(const std::vector<const Round*>& rounds,
                                               const RuleSet& rules, std::uint64_t seed) {
  AnalysedProfile result{classify_rounds(rounds, rules), {}};
  if (result.profile.sources.empty()) return std::nullopt;
  result.spreads = resample(result.profile.rounds, result.profile.cells.size(), seed);
  return result;
}

ProfileTables make_profile_tables(const AnalysedProfile& analysed, const RuleSet& rules) {
  ProfileTables tables;
  describe_sampling(tables, analysed.profile);
  tables.roles = make_roles(analysed, rules, tables.samples);
  std::sort(tables.roles.begin(), tables.roles.end(), [](const RoleTable& a, const RoleTable& b) {
    return std::tie(b.time.weight_ns, a.role) < std::tie(a.time.weight_ns, b.role);
  });
  std::uint64_t unclassified = 0;
  for (RoleTable& role : tables.roles) {
    std::sort(role.rows.begin(), role.rows.end(), [](const CategoryRow& a, const CategoryRow& b) {
      return std::tie(b.time.weight_ns, a.id) < std::tie(a.time.weight_ns, b.id);
    });
    for (const CategoryRow& row : role.rows) {
      if (row.id == kUnclassified) unclassified += row.time.samples;
    }
  }
  if (tables.samples > 0) {
    tables.classified = 1 - static_cast<double>(unclassified) / static_cast<double>(tables.samples);
  }
  tables.heaviest_leaf = heaviest_leaf(analysed.profile);
  apportion_printed(tables.roles, kWholePrinted, &CpuTime::printed_share);
  if (tables.operations > 0) {
    const double cost =
        static_cast<double>(analysed.profile.total_ns) / static_cast<double>(tables.operations);
    apportion_printed(tables.roles, static_cast<std::uint64_t>(std::llround(cost)),
                      &CpuTime::printed_cost_ns);
  }
  add_scheduler_account(tables, analysed.profile);
  tables.groups = make_groups(analysed, tables, rules);
  tables.has_intervals = can_be_resampled(analysed.profile);
  drop_unavailable(tables);
  return tables;
}

}  // namespace vfsprof::reports
