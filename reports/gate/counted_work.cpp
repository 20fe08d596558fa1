#include "reports/gate/counted_work.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <span>

#include "reports/analyze/arm_profile.h"
#include "reports/analyze/arm_summary.h"
#include "reports/analyze/events.h"
#include "reports/analyze/waits.h"

namespace vfsprof::reports {
namespace {

/// Counters of the daemon, and where the CPU time of what they count is found.
struct KnownCounter {
  std::string_view metric;
  std::array<std::string_view, 3> categories;
};
constexpr std::array<KnownCounter, 8> kCounters{{
    {"thread_wakes", {"futex-wake"}},
    {"hand_offs", {"futex-wake", "futex-wait", "executor"}},
    {"bytes_copied", {"memory-copy"}},
    {"bytes_zeroed", {"memory-clear", "page-faults", "memory-mapping"}},
    {"bytes_hashed", {"key-hash", "pool-index"}},  // longer keys, or more lookups
    {"bytes_flushed", {"disk-cache-write"}},
    {"cache_syncs", {"disk-cache-write"}},
    {"fuse_requests", {"fuse-request-read", "fuse-reply", "fuse-adapter"}},
}};

using ByRole = std::map<std::string, double>;  // per operation

std::optional<ByRole> futex_calls(const Round& round, bool waits) {
  if (!round.waits || round.waits->futexes.source.empty()) return std::nullopt;
  ByRole counts;
  for (const FutexCalls& entry : round.waits->futexes.calls) {
    if (is_wait(entry.operation) != waits) continue;
    counts[round.threads[entry.thread].role] += static_cast<double>(entry.calls);
  }
  return counts;
}

std::optional<ByRole> futex_wakes(const Round& round) { return futex_calls(round, false); }
std::optional<ByRole> futex_waits(const Round& round) { return futex_calls(round, true); }

std::optional<ByRole> sleeps(const Round& round) {
  if (!round.waits || round.waits->wall_clock.source.empty()) return std::nullopt;
  ByRole counts;
  for (const BlockedTime& entry : round.waits->wall_clock.blocked) {
    if (entry.reason != BlockReason::kSleep) continue;
    counts[round.threads[entry.thread].role] += static_cast<double>(entry.count);
  }
  return counts;
}

std::optional<ByRole> page_faults(const Round& round) {
  for (const CountedEvent& event : round.events) {
    if (event.name != "page-faults" || !event.unavailable.empty()) continue;
    ByRole counts;
    for (const ThreadEvents& entry : event.threads) {
      counts[round.threads[entry.thread].role] += scaled(entry);
    }
    return counts;
  }
  return std::nullopt;
}

struct KnownWork {
  std::string_view what;
  RoundKind kind;
  std::optional<ByRole> (*counts)(const Round&);
  std::array<std::string_view, 2> categories;
};
constexpr std::size_t kFutexWakes = 0, kFutexWaits = 1;
constexpr std::array<KnownWork, 4> kByThread{{
    {"futex wakes", RoundKind::kTracing, futex_wakes, {"futex-wake", "futex-call"}},
    {"futex waits", RoundKind::kTracing, futex_waits, {"futex-wait", "futex-call"}},
    {"sleeps", RoundKind::kTracing, sleeps, {"clocks", "scheduler"}},
    {"page faults", RoundKind::kCounting, page_faults, {"page-faults", "memory-mapping"}},
}};

std::vector<std::string> named(std::span<const std::string_view> categories) {
  std::vector<std::string> names;
  for (const std::string_view name : categories) {
    if (!name.empty()) names.emplace_back(name);
  }
  return names;
}

/// One arm's rounds, each with its counts per operation.
std::vector<ByRole> rounds_with(const RunResult& result, std::size_t arm, const KnownWork& work) {
  std::vector<ByRole> counted;
  for (const Round& round : result.rounds) {
    if (round.arm != arm || round.kind != work.kind || !void_reason(round).empty()) continue;
    auto counts = work.counts(round);
    if (!counts) continue;
    for (auto& [role, count] : *counts) count /= static_cast<double>(operations_of(round));
    counted.push_back(std::move(*counts));
  }
  return counted;
}

std::vector<double> of_role(const std::vector<ByRole>& rounds, const std::string& role) {
  std::vector<double> values;
  for (const ByRole& round : rounds) {
    const auto found = round.find(role);
    values.push_back(found == round.end() ? 0 : found->second);
  }
  return values;
}

void add_by_thread(const RunResult& result, const GateArms& arms, const KnownWork& work,
                   std::vector<CountedWork>& found) {
  const auto before = rounds_with(result, kBaselineArm, work);
  const auto after = rounds_with(result, *arms.candidate, work);
  const auto control = rounds_with(result, *arms.control, work);
  if (std::min({before.size(), after.size(), control.size()}) < kLeastCountedRounds) return;
  std::set<std::string> roles;
  for (const ByRole& round : after) {
    for (const auto& [role, count] : round) roles.insert(role);
  }
  for (const std::string& role : roles) {
    const auto of_before = of_role(before, role), of_after = of_role(after, role);
    const double most =
        std::max(std::ranges::max(of_before), std::ranges::max(of_role(control, role)));
    if (std::ranges::min(of_after) < most + kLeastIncrease) continue;
    found.push_back({.what = std::string(work.what),
                     .role = role,
                     .categories = named(work.categories),
                     .before = median(of_before),
                     .after = median(of_after),
                     .unit = "per operation"});
  }
}

/// A counter does not say whose work it counts; where the same kind of work was counted by thread
/// too, that does: the threads that do most more of it.
void take_roles(std::span<CountedWork> counters, std::span<const CountedWork> by_thread) {
  for (CountedWork& counter : counters) {
    double most = 0;
    for (const CountedWork& work : by_thread) {
      const double increase = work.after - work.before;
      if (increase <= most || work.categories.front() != counter.categories.front()) continue;
      most = increase;
      counter.role = work.role;
    }
  }
}

}  // namespace

std::vector<CountedWork> counted_increases(const RunResult& result, const GateScenario& judged) {
  std::vector<CountedWork> found;
  for (const GateRow& row : judged.rows) {
    if (!row.not_judged.empty() || row.verdict.judgement != Judgement::kRegressed) continue;
    const auto known = std::ranges::find(kCounters, row.policy.metric, &KnownCounter::metric);
    if (known == kCounters.end()) continue;
    found.push_back({.what = row.title,
                     .role = {},
                     .categories = named(known->categories),
                     .before = row.verdict.before,
                     .after = row.verdict.after,
                     .unit = row.unit});
  }
  const std::size_t counters = found.size();
  const GateArms arms = arms_of(result);
  if (!arms.candidate || !arms.control) return found;
  bool wakes_grew = std::ranges::any_of(
      found, [](const CountedWork& work) { return work.categories.front() == "futex-wake"; });
  for (std::size_t i = 0; i < kByThread.size(); ++i) {
    if (i == kFutexWaits && wakes_grew) continue;
    const std::size_t known = found.size();
    add_by_thread(result, arms, kByThread[i], found);
    if (i == kFutexWakes) wakes_grew = wakes_grew || found.size() > known;
  }
  const std::span all(found);
  take_roles(all.first(counters), all.subspan(counters));
  return found;
}

}  // namespace vfsprof::reports
