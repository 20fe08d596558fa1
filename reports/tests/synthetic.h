#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reports/model/run_result.h"

namespace vfsprof::reports::synthetic {

/// Samples of one stack on one thread role, spread evenly over the slices.
struct StackSamples {
  std::string role;
  std::vector<Frame> stack;  ///< leaf first
  std::uint64_t count = 0;
};

struct RoundOptions {
  std::uint32_t arm = 0;
  std::uint32_t block = 0;
  RoundKind kind = RoundKind::kTiming;
  std::uint64_t operations = 1000;
  std::uint64_t cpu_ns_per_operation = 40'000;
  std::uint64_t thread_wakes_per_operation = 3;
};

Frame kernel(const std::string& function);
Frame user(const std::string& function);

/// A whole and valid round of writes of 4096 bytes; every figure follows from the options.
Round make_round(const RoundOptions& options);

/// Gives a round a profile of 1 ms samples in `slices` slices of 100 ms, and its threads.
void add_profile(Round& round, const std::vector<StackSamples>& samples, std::uint32_t slices = 10);

/// Gives a round the ledgers of a tracing round: per operation one write waits at "pool.mutex" for
/// 2 us and is woken by the thread that held it, every tenth wake wakes nobody; two words have no
/// name. `scale` multiplies the calls.
void add_waits(Round& round, std::uint64_t scale = 1);

/// A result with arms of these names, without rounds.
RunResult make_result(const std::vector<std::string>& arms);

/// Gives a result a null handler that costs 5 us per operation, in `blocks` rounds, and two
/// primitives of the machine, one of them unavailable.
void add_floors(RunResult& result, std::uint32_t blocks);

/// What `mutex-pool` looks like: hand-off through three thread roles. `scale` multiplies every
/// count.
std::vector<StackSamples> hand_off_samples(std::uint64_t scale);

/// Adds a tracing round to each arm in each of `blocks` blocks; the second arm waits half as often.
void add_tracing_rounds(RunResult& result, std::uint32_t blocks);

/// Two arms, `blocks` timing rounds and three profiling rounds each; the second needs `ratio` times
/// the CPU time of the first.
RunResult make_comparison(std::uint32_t blocks, double ratio);

}  // namespace vfsprof::reports::synthetic
