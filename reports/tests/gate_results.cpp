#include "reports/tests/gate_results.h"

#include "reports/model/arm_settings.h"
#include "reports/rules/rule_set.h"
#include "reports/tests/synthetic.h"

namespace vfsprof::reports::synthetic {

PolicyMetric judged_metric(const std::string& name, Limit limit) {
  PolicyMetric result;
  result.metric = name;
  result.limit = limit;
  return result;
}

Policy make_policy(const std::string& scenario) {
  Policy policy;
  policy.name = "test";
  policy.scenarios = {{.name = scenario}};
  policy.metrics = {judged_metric("thread_wakes"),
                    judged_metric("cpu_ns_per_operation", {.relative = 0.05})};
  return policy;
}

RunResult make_turns(Costs candidate, Costs control, std::uint32_t blocks) {
  RunResult result = make_result({"baseline", "candidate", "baseline (control)"});
  result.arms[2].axes.push_back({std::string(kControlSetting), "on"});
  const Costs costs[] = {{}, candidate, control};
  for (std::uint32_t block = 0; block < blocks; ++block) {
    for (std::uint32_t arm = 0; arm < 3; ++arm) {
      const std::uint64_t scatter = 400 * ((block + arm) % 2);
      result.rounds.push_back(make_round({.arm = arm,
                                          .block = block,
                                          .cpu_ns_per_operation = costs[arm].cpu_ns + scatter,
                                          .thread_wakes_per_operation = costs[arm].wakes}));
    }
  }
  return result;
}

GateReport concluded(const RunResult& result) {
  const Policy policy = make_policy(result.scenario.name);
  return conclude(policy, {judge_interleaved(policy, result, default_rules())}, policy.looks);
}

}  // namespace vfsprof::reports::synthetic
