#include <fmt/format.h>

#include <map>
#include <string_view>
#include <tuple>

#include "reports/analyze/arm_summary.h"
#include "reports/analyze/compare.h"
#include "reports/analyze/text.h"

namespace vfsprof::reports {
namespace {

constexpr std::size_t kHashShown = 16;

std::string shorten(const std::string& value, std::size_t shown) {
  return value.empty() ? "none" : value.substr(0, shown);
}

/// "write 4096, fsync 2": what was done, whatever the order.
std::string operation_counts(const Round& round) {
  std::map<std::string, std::uint64_t> counts;
  for (const OperationStats& stats : round.operations) counts[stats.kind] += stats.count;
  std::string text;
  for (const auto& [kind, count] : counts) {
    if (count > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", kind, count);
  }
  return text;
}

struct RoundPair {
  const Round* before;
  const Round* after;
};

/// Rounds of one block and kind, of both arms.
std::vector<RoundPair> paired_rounds(const RunResult& result, const Comparison& comparison) {
  std::map<std::tuple<std::uint32_t, RoundKind>, RoundPair> pairs;
  for (const Round& round : result.rounds) {
    if (!void_reason(round).empty()) continue;
    RoundPair& pair = pairs[{round.block, round.kind}];
    if (round.arm == comparison.before) pair.before = &round;
    if (round.arm == comparison.after) pair.after = &round;
  }
  std::vector<RoundPair> complete;
  for (const auto& [key, pair] : pairs) {
    if (pair.before != nullptr && pair.after != nullptr) complete.push_back(pair);
  }
  return complete;
}

/// "; first by client 3 in operation 17, read of c0-f0: 4096 and 0", where it is known.
std::string first_part(const RunResult& result, const Comparison& comparison,
                       std::string_view fact) {
  for (const FirstDifference& each : result.differences) {
    if (each.before != comparison.before || each.after != comparison.after || each.fact != fact) {
      continue;
    }
    const std::string where =
        each.operation > 0
            ? fmt::format("client {}, operation {}, {}", each.client, each.operation, each.place)
        : each.fact == "results" ? fmt::format("client {}, {}", each.client, each.place)
                                 : each.place;
    if (each.before_value.empty() && each.after_value.empty()) {
      return fmt::format("; they part at {}", code(where));
    }
    return fmt::format("; they part at {}: {} against {}", code(where), code(each.before_value),
                       code(each.after_value));
  }
  return "";
}

struct Fact {
  std::string_view title;
  std::string (*value)(const Round& round);  ///< empty: not known
  std::size_t shown;                         ///< characters of it worth printing
  std::string_view difference;               ///< FirstDifference::fact of it
};

/// Compares one fact over all pairs, and says where the arms first differ.
void check_fact(const Fact& fact, const std::vector<RoundPair>& pairs, const RunResult& result,
                Comparison& comparison) {
  std::size_t equal = 0;
  for (const RoundPair& pair : pairs) {
    const std::string before = fact.value(*pair.before), after = fact.value(*pair.after);
    if (before.empty() && after.empty()) continue;
    if (before != after) {
      comparison.void_reasons.push_back(
          fmt::format("the {} differ, first in {}: {} has {}, {} has {}{}", fact.title,
                      describe_round(*pair.before), code(result.arms[comparison.before].name),
                      shorten(before, fact.shown), code(result.arms[comparison.after].name),
                      shorten(after, fact.shown), first_part(result, comparison, fact.difference)));
      return;
    }
    ++equal;
  }
  if (equal == pairs.size() && equal > 0) {
    comparison.compared.push_back(fmt::format("{} ({} pairs of rounds)", fact.title, equal));
  } else {
    comparison.uncompared +=
        fmt::format("{}{} ({} of {} pairs of rounds have them)",
                    comparison.uncompared.empty() ? "" : "; ", fact.title, equal, pairs.size());
  }
}

}  // namespace

void check_same_work(const RunResult& result, Comparison& comparison) {
  for (const std::size_t arm : {comparison.before, comparison.after}) {
    const ArmRounds rounds = rounds_of(result, arm);
    for (const Round* round : rounds.voided) {
      comparison.void_reasons.push_back(fmt::format("a round of {} is void ({}): {}",
                                                    code(result.arms[arm].name),
                                                    describe_round(*round), void_reason(*round)));
    }
    if (rounds.timing.empty() && rounds.profiling.empty() && rounds.voided.empty()) {
      comparison.void_reasons.push_back(
          fmt::format("{} has no rounds", code(result.arms[arm].name)));
    }
  }
  const std::vector<RoundPair> pairs = paired_rounds(result, comparison);
  if (pairs.empty()) return;
  check_fact({"operations by kind", operation_counts, std::string::npos, "results"}, pairs, result,
             comparison);
  if (result.scenario.racy) {
    comparison.uncompared =
        "tree and operation results (the scenario is racy: they depend on the order in which its "
        "clients come)";
    return;
  }
  check_fact(
      {"final file trees", [](const Round& round) { return round.tree_hash; }, kHashShown, "tree"},
      pairs, result, comparison);
  check_fact({"results of all operations", [](const Round& round) { return round.results_hash; },
              kHashShown, "results"},
             pairs, result, comparison);
}

}  // namespace vfsprof::reports
