#include <algorithm>
#include <map>
#include <utility>

#include "reports/analyze/arm_profile.h"
#include "reports/analyze/compare.h"

namespace vfsprof::reports {
namespace {

using Key = std::pair<std::string, std::size_t>;  // role, category

struct Burst {
  std::uint64_t samples = 0;
  std::map<Key, double> shares;
};

Burst classify(const Round& round, const RuleSet& rules) {
  const ArmProfile profile = classify_rounds({&round}, rules);
  Burst burst;
  for (const Cell& cell : profile.cells) {
    burst.samples += cell.samples;
    if (profile.total_ns == 0) continue;
    burst.shares[{cell.role, cell.category}] =
        static_cast<double>(cell.weight_ns) / static_cast<double>(profile.total_ns);
  }
  return burst;
}

std::vector<Key> largest(const std::vector<std::pair<Burst, Burst>>& pairs) {
  std::map<Key, double> sums;
  for (const auto& [before, after] : pairs) {
    for (const auto& [key, share] : before.shares) sums[key] += share;
    for (const auto& [key, share] : after.shares) sums[key] += share;
  }
  std::vector<std::pair<double, Key>> sorted;
  for (const auto& [key, sum] : sums) sorted.emplace_back(-sum, key);
  std::sort(sorted.begin(), sorted.end());
  if (sorted.size() > kBurstCells) sorted.resize(kBurstCells);
  std::vector<Key> keys;
  for (auto& [sum, key] : sorted) keys.push_back(std::move(key));
  return keys;
}

double share_of(const Burst& burst, const Key& key) {
  const auto found = burst.shares.find(key);
  return found == burst.shares.end() ? 0 : found->second;
}

}  // namespace

std::vector<BurstPair> compare_bursts(const std::vector<const Round*>& before,
                                      const std::vector<const Round*>& after,
                                      const RuleSet& rules) {
  std::vector<BurstPair> result;
  if (before.size() < 2 || after.size() < 2) return result;
  std::vector<std::pair<Burst, Burst>> classified;
  for (const auto& [first, second] : pair_by_block(before, after)) {
    classified.emplace_back(classify(*first, rules), classify(*second, rules));
    result.push_back({.burst = first->block,
                      .samples_before = classified.back().first.samples,
                      .samples_after = classified.back().second.samples,
                      .elapsed_before_ns = first->elapsed_ns,
                      .elapsed_after_ns = second->elapsed_ns,
                      .cells = {}});
  }
  for (const Key& key : largest(classified)) {
    const Category& category = category_of(rules, key.second);
    for (std::size_t i = 0; i < result.size(); ++i) {
      result[i].cells.push_back({.role = key.first,
                                 .id = category.id,
                                 .title = category.title,
                                 .share_before = share_of(classified[i].first, key),
                                 .share_after = share_of(classified[i].second, key)});
    }
  }
  return result;
}

}  // namespace vfsprof::reports
