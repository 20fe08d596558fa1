#pragma once

#include <cstdint>
#include <string>

#include "reports/gate/evaluate.h"
#include "reports/gate/policy.h"
#include "reports/model/run_result.h"

namespace vfsprof::reports::synthetic {

PolicyMetric judged_metric(const std::string& name, Limit limit = {});

/// Judges wake-ups, which may not rise, and CPU time, which may by 5 %.
Policy make_policy(const std::string& scenario);

struct Costs {
  std::uint64_t cpu_ns = 40'000;
  std::uint64_t wakes = 3;
};

/// Baseline, candidate and control in blocks; CPU times scatter by 1 % with the block.
RunResult make_turns(Costs candidate, Costs control = {}, std::uint32_t blocks = 12);

/// The gate's whole report on such a result.
GateReport concluded(const RunResult& result);

}  // namespace vfsprof::reports::synthetic
