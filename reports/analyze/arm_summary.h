#pragma once

#include <cstddef>
#include <vector>

#include "reports/analyze/report.h"

namespace vfsprof::reports {

/// The rounds of one arm that count, by kind.
struct ArmRounds {
  std::vector<const Round*> timing;
  std::vector<const Round*> profiling;
  std::vector<const Round*> tracing;
  std::vector<const Round*> counting;
  std::vector<const Round*> voided;
};

/// Void are rounds that say so and rounds without any operation.
ArmRounds rounds_of(const RunResult& result, std::size_t arm);

/// Why a round does not count; empty if it does.
std::string void_reason(const Round& round);

/// "block 3, timing".
std::string describe_round(const Round& round);

/// Throughput, latency and cost of one arm. `profile` is left empty.
ArmSummary summarise_arm(const RunResult& result, std::size_t arm);

/// The value of a counter of the round, or nothing if it has none of that name.
std::optional<std::uint64_t> counter_of(const Round& round, std::string_view name);

/// Bytes written by the clients.
std::uint64_t bytes_written(const Round& round);

/// Context switches of the observed process, of both kinds.
std::uint64_t switches_of(const Round& round);

}  // namespace vfsprof::reports
