#include "harness/experiment/first_difference.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "harness/error.h"

namespace vfsprof::harness {
namespace {

using reports::FirstDifference;

constexpr std::string_view kNothing = "nothing";

bool is_known(const std::vector<FirstDifference>& differences, const FirstDifference& wanted) {
  return std::ranges::any_of(differences, [&](const FirstDifference& known) {
    return known.before == wanted.before && known.after == wanted.after &&
           known.fact == wanted.fact;
  });
}

/// The first entry that only one tree has, or that is not the same in both.
void compare_trees(const std::vector<TreeEntry>& before, const std::vector<TreeEntry>& after,
                   FirstDifference& difference) {
  const auto at = std::ranges::mismatch(before, after);
  const bool in_before = at.in1 != before.end(), in_after = at.in2 != after.end();
  if (in_before && in_after && at.in1->path == at.in2->path) {
    difference.place = at.in1->path;
    difference.before_value = at.in1->value;
    difference.after_value = at.in2->value;
    return;
  }
  // One of the two has an entry more here: the one whose entry the other tree lacks.
  const auto lacks = [](const std::vector<TreeEntry>& tree, const TreeEntry& entry) {
    return std::ranges::none_of(tree,
                                [&](const TreeEntry& each) { return each.path == entry.path; });
  };
  const bool more_before = in_before && lacks(after, *at.in1);
  if (!more_before && !in_after) return;
  difference.place = more_before ? at.in1->path : at.in2->path;
  difference.before_value = more_before ? at.in1->value : kNothing;
  difference.after_value = more_before ? kNothing : at.in2->value;
}

/// Fills in the first of the operations whose results differ. Returns false if none do.
bool compare_results(const std::vector<KeptResult>& before, const std::vector<KeptResult>& after,
                     FirstDifference& difference) {
  const auto at = std::ranges::mismatch(before, after);
  const bool in_before = at.in1 != before.end(), in_after = at.in2 != after.end();
  if (!in_before && !in_after) return false;
  const KeptResult& one = in_before ? *at.in1 : *at.in2;
  difference.operation = one.operation;
  difference.place = one.text;
  difference.before_value = in_before ? at.in1->result : kNothing;
  difference.after_value = in_after ? at.in2->result : kNothing;
  if (in_before && in_after && at.in1->text != at.in2->text) {
    difference.before_value = at.in1->text + ": " + difference.before_value;
    difference.after_value = at.in2->text + ": " + difference.after_value;
  }
  return true;
}

}  // namespace

void DifferenceFinder::add(const RoundOutcome& outcome, std::vector<FirstDifference>& differences) {
  const reports::Round& round = outcome.round;
  if (!trails_.empty() &&
      (trails_.front().round.block != round.block || trails_.front().round.kind != round.kind)) {
    trails_.clear();
  }
  Trail trail;
  trail.round.arm = round.arm;
  trail.round.block = round.block;
  trail.round.kind = round.kind;
  trail.round.tree_hash = round.tree_hash;
  trail.round.results_hash = round.results_hash;
  trail.traces = outcome.traces;
  trail.tree = outcome.tree;
  trails_.push_back(std::move(trail));
  // Arms are compared with the first one.
  const Trail& last = trails_.back();
  for (const Trail& other : trails_) {
    if (last.round.arm != 0 && other.round.arm == 0) compare(other, last, differences);
    if (last.round.arm == 0 && other.round.arm != 0) compare(last, other, differences);
  }
}

void DifferenceFinder::compare(const Trail& before, const Trail& after,
                               std::vector<FirstDifference>& differences) {
  FirstDifference difference{.before = before.round.arm,
                             .after = after.round.arm,
                             .block = before.round.block,
                             .fact = "tree",
                             .place = {},
                             .before_value = {},
                             .after_value = {}};
  if (before.round.tree_hash != after.round.tree_hash && !is_known(differences, difference)) {
    compare_trees(before.tree, after.tree, difference);
    differences.push_back(difference);
  }
  difference.fact = "results";
  if (before.round.results_hash == after.round.results_hash || is_known(differences, difference)) {
    return;
  }
  differences.push_back(part_of_results(before, after));
}

FirstDifference DifferenceFinder::part_of_results(const Trail& before, const Trail& after) {
  FirstDifference difference{.before = before.round.arm,
                             .after = after.round.arm,
                             .block = before.round.block,
                             .fact = "results",
                             .place = {},
                             .before_value = {},
                             .after_value = {}};
  WatchedOperations watch = first_parting(before.traces, after.traces);
  difference.client = watch.client;
  const std::string stretch = fmt::format("operations {} to {}", watch.first, watch.last);
  watch.last = std::min(watch.last, watch.first + kMostWatched - 1);
  try {
    const RoundOutcome one = repeat_(before.round.arm, watch);
    const RoundOutcome other = repeat_(after.round.arm, watch);
    const std::string& failure =
        one.round.void_reason.empty() ? other.round.void_reason : one.round.void_reason;
    if (!failure.empty()) {
      difference.place = fmt::format("{}; a second pass failed: {}", stretch, failure);
    } else if (!compare_results(one.kept, other.kept, difference)) {
      difference.place = fmt::format(
          "{}; in a second pass they had the same results, so it depends on chance", stretch);
    }
  } catch (const EnvironmentError& error) {
    difference.place = fmt::format("{}; a second pass failed: {}", stretch, error.what());
  }
  return difference;
}

}  // namespace vfsprof::harness
