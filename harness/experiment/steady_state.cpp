#include "harness/experiment/steady_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace vfsprof::harness {
namespace {

bool agree(double one, double other, double within) {
  return std::abs(one - other) <= within * std::max(one, other);
}

}  // namespace

std::string warm_up_criterion(std::size_t most_rounds) {
  return fmt::format(
      "until two rounds in a row agree within {:.0f} % in CPU time per operation and within {:.0f} "
      "% in throughput, at most {} rounds",
      100 * kSteadyCost, 100 * kSteadyThroughput, most_rounds);
}

void add_warm_up(const reports::Round& round, reports::WarmUp& warm_up) {
  std::uint64_t operations = 0;
  for (const reports::OperationStats& stats : round.operations) operations += stats.count;
  const auto count = static_cast<double>(std::max<std::uint64_t>(operations, 1));
  const auto elapsed_ns = static_cast<double>(std::max<std::uint64_t>(round.elapsed_ns, 1));
  warm_up.rounds.push_back(
      {.ns_per_operation = static_cast<double>(round.process_cpu_ns) / count,
       .operations_per_second = 1e9 * static_cast<double>(operations) / elapsed_ns});
  const std::size_t rounds = warm_up.rounds.size();
  if (rounds < 2) return;
  const reports::WarmUpRound &before = warm_up.rounds[rounds - 2], &last = warm_up.rounds.back();
  if (agree(before.ns_per_operation, last.ns_per_operation, kSteadyCost) &&
      agree(before.operations_per_second, last.operations_per_second, kSteadyThroughput)) {
    warm_up.stable_from = static_cast<std::uint32_t>(rounds - 1);
  }
}

}  // namespace vfsprof::harness
