#include "harness/scenario/budget.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/error.h"
#include "harness/scenario/client_plan.h"
#include "harness/scenario/operation_list.h"
#include "harness/scenario/operations.h"
#include "harness/scenario/recording.h"
#include "harness/scenario/scenario_checks.h"
#include "harness/scenario/tree_model.h"

namespace vfsprof::harness {
namespace {

/// One client's bytes over time.
class Meter {
 public:
  explicit Meter(const ClientPlan& plan)
      : model_({.names = plan.names->size(), .fds = std::max(kSetupFd + 1, kMaxListedFiles)}) {}

  void add_existing(std::uint32_t name, std::uint64_t size) { model_.add_existing(name, size); }

  void add(const Operation& operation) {
    if (operation.expected < 0 && operation.expected != kInFull) return;
    held_ += model_.change(operation);
    peak_ = std::max(peak_, held_);
    model_.apply(operation);
  }
  std::uint64_t peak() const { return static_cast<std::uint64_t>(peak_); }

 private:
  TreeModel model_;
  std::int64_t held_ = 0;
  std::int64_t peak_ = 0;
};

/// Files of shared sets, which another client makes.
void add_shared(const ClientPlan& plan, Meter& meter) {
  for (std::size_t i = 0; i < plan.shares.size(); ++i) {
    const FileSet& set = plan.scenario->filesets[i];
    const SetShare& share = plan.shares[i];
    if (!share.used || !set.shared || share.rank == 0 || set.type != EntryType::kFile) continue;
    for (std::uint64_t entry = 0; entry < set.nrfiles; ++entry) {
      if (!exists_at_start(set, entry)) continue;
      meter.add_existing(share.first_name + static_cast<std::uint32_t>(entry),
                         size_of_entry(set, entry));
    }
  }
}

Footprint footprint_of(const ClientPlan& plan) {
  const Job& job = *plan.job;
  if (job.form == JobForm::kPattern) {
    return {.peak_bytes = job.nrfiles * (job.size + TreeModel::kEntryBytes),
            .operations = job.loops * ios_per_loop(job)};
  }
  Meter meter(plan);
  add_shared(plan, meter);
  for (const ContentSource source : {ContentSource::kStore, ContentSource::kClients}) {
    for (const Operation& operation : setup_operations(plan, source)) meter.add(operation);
  }
  OperationStream stream(plan);
  Footprint footprint;
  Operation operation;
  while (stream.next_of_setup(operation)) meter.add(operation);
  while (stream.next(operation)) {
    if (++footprint.operations > kMaxOperations) {
      throw BadInput(
          fmt::format("job '{}' of scenario '{}' makes more than {} operations: lower its loops",
                      job.name, plan.scenario->name, kMaxOperations));
    }
    meter.add(operation);
  }
  footprint.peak_bytes = meter.peak();
  return footprint;
}

void refuse_above_budget(const Scenario& scenario, const Footprint& total) {
  if (total.peak_bytes > scenario.disk_budget) {
    throw BadInput(
        fmt::format("scenario '{}' holds up to {} bytes, and its disk_budget is {}: raise the "
                    "budget, or scale the scenario down (--scale)",
                    scenario.name, total.peak_bytes, scenario.disk_budget));
  }
}

}  // namespace

Footprint measure_footprint(const Scenario& scenario, std::uint64_t seed) {
  Footprint total;
  if (scenario.recording) {
    total = {.peak_bytes = scenario.recording->peak_bytes,
             .operations = scenario.recording->operations};
    refuse_above_budget(scenario, total);
    return total;
  }
  for (const ClientPlan& plan : plan_clients(scenario, seed)) {
    const Footprint footprint = footprint_of(plan);
    total.peak_bytes += footprint.peak_bytes;
    total.operations += footprint.operations;
  }
  refuse_above_budget(scenario, total);
  return total;
}

}  // namespace vfsprof::harness
