#include "reports/analyze/arm_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <tuple>

#include "reports/analyze/arm_profile.h"

namespace vfsprof::reports {
namespace {

double per(std::uint64_t amount, std::uint64_t count) {
  return count == 0 ? 0 : static_cast<double>(amount) / static_cast<double>(count);
}

double per_second(std::uint64_t amount, std::uint64_t elapsed_ns) {
  return 1e9 * per(amount, elapsed_ns);
}

/// Of one kind, in each round that has it.
struct KindRounds {
  std::uint64_t count = 0, errors = 0, bytes = 0;
  std::vector<const Histogram*> service, response;
};

std::vector<OperationSummary> summarise_kinds(const std::vector<const Round*>& rounds,
                                              std::uint64_t elapsed_ns) {
  std::map<std::string, KindRounds> merged;
  for (const Round* round : rounds) {
    for (const OperationStats& stats : round->operations) {
      KindRounds& sum = merged[stats.kind];
      sum.count += stats.count;
      sum.errors += stats.errors;
      sum.bytes += stats.bytes;
      sum.service.push_back(&stats.service_time_ns);
      if (stats.response_time_ns.count() > 0) sum.response.push_back(&stats.response_time_ns);
    }
  }
  std::vector<OperationSummary> result;
  for (const auto& [kind, stats] : merged) {
    result.push_back({.kind = kind,
                      .count = stats.count,
                      .errors = stats.errors,
                      .per_second = per_second(stats.count, elapsed_ns),
                      .bytes_per_second = per_second(stats.bytes, elapsed_ns),
                      .service = summarise_latency(stats.service),
                      .response = {}});
    if (!stats.response.empty()) result.back().response = summarise_latency(stats.response);
  }
  std::sort(result.begin(), result.end(), [](const auto& a, const auto& b) {
    return std::tie(b.count, a.kind) < std::tie(a.count, b.kind);
  });
  return result;
}

std::vector<RoleUsage> summarise_roles(const std::vector<const Round*>& rounds, double base) {
  const auto per_base = [base](std::uint64_t amount) {
    return base > 0 ? static_cast<double>(amount) / base : 0;
  };
  std::map<std::string, RoleUsage> merged;
  for (const Round* round : rounds) {
    for (const Thread& thread : round->threads) {
      RoleUsage& usage = merged[thread.role];
      usage.cpu_ns += per_base(thread.cpu_ns);
      usage.runnable_ns += per_base(thread.runnable_ns);
      usage.voluntary_switches += per_base(thread.voluntary_switches);
      usage.involuntary_switches += per_base(thread.involuntary_switches);
    }
  }
  std::vector<RoleUsage> result;
  for (auto& [role, usage] : merged) {
    usage.role = role;
    result.push_back(usage);
  }
  std::sort(result.begin(), result.end(), [](const auto& a, const auto& b) {
    return std::tie(b.cpu_ns, a.role) < std::tie(a.cpu_ns, b.role);
  });
  return result;
}

std::vector<CounterSummary> summarise_counters(const std::vector<const Round*>& rounds,
                                               std::uint64_t operations) {
  std::vector<CounterSummary> result;
  for (const Round* round : rounds) {
    for (const CounterValue& counter : round->counters) {
      auto found = std::find_if(result.begin(), result.end(),
                                [&](const CounterSummary& c) { return c.name == counter.name; });
      if (found == result.end()) {
        found = result.insert(result.end(), {.name = counter.name, .unit = counter.unit});
      }
      found->total += counter.value;
    }
  }
  for (CounterSummary& counter : result) counter.per_operation = per(counter.total, operations);
  return result;
}

}  // namespace

std::string void_reason(const Round& round) {
  if (!round.void_reason.empty() || !round.counts_operations) return round.void_reason;
  return operations_of(round) == 0 ? "no operation was done" : "";
}

std::string describe_round(const Round& round) {
  return fmt::format("block {}, {}", round.block, to_string(round.kind));
}

ArmRounds rounds_of(const RunResult& result, std::size_t arm) {
  ArmRounds rounds;
  for (const Round& round : result.rounds) {
    if (round.arm != arm) continue;
    if (!void_reason(round).empty()) {
      rounds.voided.push_back(&round);
    } else if (round.kind == RoundKind::kTiming) {
      rounds.timing.push_back(&round);
    } else if (round.kind == RoundKind::kProfiling) {
      rounds.profiling.push_back(&round);
    } else if (round.kind == RoundKind::kTracing) {
      rounds.tracing.push_back(&round);
    } else {
      rounds.counting.push_back(&round);
    }
  }
  return rounds;
}

std::optional<std::uint64_t> counter_of(const Round& round, std::string_view name) {
  for (const CounterValue& counter : round.counters) {
    if (counter.name == name) return counter.value;
  }
  return std::nullopt;
}

std::uint64_t bytes_written(const Round& round) {
  std::uint64_t sum = 0;
  for (const OperationStats& stats : round.operations) {
    if (stats.kind.find("write") != std::string::npos) sum += stats.bytes;
  }
  return sum;
}

std::uint64_t switches_of(const Round& round) {
  std::uint64_t sum = 0;
  for (const Thread& thread : round.threads) {
    sum += thread.voluntary_switches + thread.involuntary_switches;
  }
  return sum;
}

ArmSummary summarise_arm(const RunResult& result, std::size_t arm) {
  const ArmRounds rounds = rounds_of(result, arm);
  ArmSummary summary{.arm = result.arms[arm],
                     .timing_rounds = rounds.timing.size(),
                     .profiling_rounds = rounds.profiling.size(),
                     .void_rounds = {},
                     .copied_per_byte = {},
                     .kinds = {},
                     .clients = {},
                     .roles = {},
                     .counters = {},
                     .observing = observing_costs(result, arm),
                     .events = summarise_events(rounds.counting),
                     .per_second = {},
                     .profile = {},
                     .waits = {}};
  for (const Round* round : rounds.voided) {
    summary.void_rounds.push_back(
        fmt::format("{}: {}", describe_round(*round), void_reason(*round)));
  }
  summary.from_profiling_rounds = rounds.timing.empty() && !rounds.profiling.empty();
  const auto& used = summary.from_profiling_rounds ? rounds.profiling : rounds.timing;

  std::uint64_t cpu_ns = 0, client_ns = 0, switches = 0, written = 0, copied = 0;
  bool counts_copies = false;
  for (const Round* round : used) {
    summary.operations += operations_of(*round);
    summary.elapsed_ns += round->elapsed_ns;
    cpu_ns += round->process_cpu_ns;
    client_ns += round->client_cpu_ns;
    switches += switches_of(*round);
    written += bytes_written(*round);
    if (const auto bytes = counter_of(*round, "bytes_copied")) {
      counts_copies = true;
      copied += *bytes;
    }
  }
  summary.operations_per_second = per_second(summary.operations, summary.elapsed_ns);
  summary.cpu_ns = per(cpu_ns, summary.operations);
  summary.client_cpu_ns = per(client_ns, summary.operations);
  summary.switches = per(switches, summary.operations);
  if (counts_copies && written > 0) summary.copied_per_byte = per(copied, written);
  summary.kinds = summarise_kinds(used, summary.elapsed_ns);
  summary.clients = summarise_clients(used);
  summary.roles = summarise_roles(used, static_cast<double>(summary.operations));
  if (result.command == "profile" && summary.elapsed_ns > 0) {
    summary.per_second = summarise_roles(used, static_cast<double>(summary.elapsed_ns) / 1e9);
  }
  summary.counters = summarise_counters(used, summary.operations);

  std::uint64_t collector_ns = 0, profiled_operations = 0;
  for (const Round* round : rounds.profiling) {
    collector_ns += round->collector_cpu_ns;
    profiled_operations += operations_of(*round);
  }
  summary.collector_cpu_ns = per(collector_ns, profiled_operations);
  return summary;
}

}  // namespace vfsprof::reports
