#include "harness/scenario/generator_cost.h"

#include <time.h>

#include <memory>

#include "harness/scenario/client_worker.h"

namespace vfsprof::harness {
namespace {

std::uint64_t thread_cpu_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

struct Cost {
  std::uint64_t operations = 0;
  std::uint64_t cpu_ns = 0;
};

Cost run_once(const ClientPlan& plan, std::uint64_t most_operations, bool timed) {
  RunControl control;
  join_all({plan}, control);
  const std::unique_ptr<ClientWorker> worker = make_client_worker(
      FilesKind::kNull,
      {.plan = plan, .control = control, .timed = timed, .most_operations = most_operations});
  worker->create_files();
  worker->run_setup();
  const std::uint64_t before_ns = thread_cpu_ns();
  worker->run_measured();
  return {worker->record().operations(), thread_cpu_ns() - before_ns};
}

}  // namespace

GeneratorCost measure_generator(const ClientPlan& plan, std::uint64_t most_operations) {
  run_once(plan, most_operations, false);  // code and memory are used for the first time
  const Cost bare = run_once(plan, most_operations, false);
  const Cost timed = run_once(plan, most_operations, true);
  if (timed.operations == 0) return {};
  const auto operations = static_cast<double>(timed.operations);
  return {.operations = timed.operations,
          .ns_per_operation = static_cast<double>(timed.cpu_ns) / operations,
          .ns_without_clocks = static_cast<double>(bare.cpu_ns) / operations};
}

GeneratorCost measure_generator(const Scenario& scenario, std::uint64_t seed,
                                std::uint64_t most_operations) {
  GeneratorCost sum;
  double timed_ns = 0;
  double bare_ns = 0;
  const Job* last = nullptr;
  for (const ClientPlan& plan : plan_clients(scenario, seed)) {
    if (plan.job == last) continue;  // clients of one job are alike
    last = plan.job;
    const GeneratorCost cost = measure_generator(plan, most_operations);
    const auto operations = static_cast<double>(cost.operations);
    sum.operations += cost.operations;
    timed_ns += cost.ns_per_operation * operations;
    bare_ns += cost.ns_without_clocks * operations;
  }
  if (sum.operations == 0) return sum;
  sum.ns_per_operation = timed_ns / static_cast<double>(sum.operations);
  sum.ns_without_clocks = bare_ns / static_cast<double>(sum.operations);
  return sum;
}

}  // namespace vfsprof::harness
