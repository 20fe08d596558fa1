#include "harness/scenario/client_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/scenario/operation_list.h"
#include "harness/scenario/operations.h"
#include "harness/scenario/recording.h"

namespace vfsprof::harness {
namespace {

using Names = std::vector<std::string>;

bool uses_set(const Job& job, int set) {
  const auto mentions = [set](const Instruction& step) {
    return step.set == set || step.other_set == set;
  };
  return std::ranges::any_of(job.program.setup, mentions) ||
         std::ranges::any_of(job.program.loop, mentions);
}

/// Names of all entries of all sets, then the texts that steps mention.
std::shared_ptr<const Names> names_of_sets(const Scenario& scenario) {
  auto names = std::make_shared<Names>();
  for (std::size_t set = 0; set < scenario.filesets.size(); ++set) {
    for (std::uint64_t entry = 0; entry < scenario.filesets[set].nrfiles; ++entry) {
      names->push_back(entry_name(scenario.filesets, set, entry));
    }
  }
  names->insert(names->end(), scenario.texts.begin(), scenario.texts.end());
  return names;
}

std::shared_ptr<const Names> names_of_client(const Job& job, unsigned client) {
  auto names = std::make_shared<Names>();
  for (unsigned file = 0; file < job.nrfiles; ++file) {
    names->push_back(fmt::format("c{}-f{}", client, file));
  }
  return names;
}

/// The shares of the sets for each client, without names.
void deal_out(const Scenario& scenario, std::vector<ClientPlan>& plans) {
  std::uint32_t first_name = 0;
  for (std::size_t set = 0; set < scenario.filesets.size(); ++set) {
    std::uint32_t users = 0;
    for (ClientPlan& plan : plans) {
      SetShare share{.first_name = first_name, .used = uses_set(*plan.job, static_cast<int>(set))};
      if (share.used) share.rank = users++;
      plan.shares.push_back(share);
    }
    for (ClientPlan& plan : plans) plan.shares[set].clients = std::max(1U, users);
    first_name += static_cast<std::uint32_t>(scenario.filesets[set].nrfiles);
  }
  for (ClientPlan& plan : plans) plan.first_text = first_name;
}

void add_file(const ClientPlan& plan, std::size_t index, std::uint64_t entry,
              std::vector<Operation>& out) {
  const FileSet& set = plan.scenario->filesets[index];
  const auto file = plan.shares[index].first_name + static_cast<std::uint32_t>(entry);
  const std::uint64_t size = size_of_entry(set, entry);
  out.push_back({.kind = OperationKind::kCreate, .file = file, .fd = kSetupFd, .argument = 0644});
  for (std::uint64_t offset = 0; offset < size; offset += kPrefillBytes) {
    out.push_back({.kind = OperationKind::kWrite,
                   .file = file,
                   .fd = kSetupFd,
                   .offset = offset,
                   .size = std::min(kPrefillBytes, size - offset)});
  }
  out.push_back({.kind = OperationKind::kClose, .file = file, .fd = kSetupFd});
}

}  // namespace

std::vector<ClientPlan> plan_clients(const Scenario& scenario, std::uint64_t seed) {
  std::vector<ClientPlan> plans;
  const auto set_names = names_of_sets(scenario);
  for (const Job& job : scenario.jobs) {
    for (unsigned i = 0; i < job.numjobs; ++i) {
      ClientPlan plan{.scenario = &scenario,
                      .job = &job,
                      .client = static_cast<unsigned>(plans.size()),
                      .rank = i,
                      .seed = seed,
                      .shares = {},
                      .names = set_names};
      if (job.form == JobForm::kPattern) plan.names = names_of_client(job, plan.client);
      if (job.form == JobForm::kOperations) {
        plan.names = std::shared_ptr<const Names>(job.operations, &job.operations->names);
      }
      if (scenario.recording) {
        plan.names = std::shared_ptr<const Names>(scenario.recording, &scenario.recording->names);
      }
      plans.push_back(std::move(plan));
    }
  }
  deal_out(scenario, plans);
  return plans;
}

std::vector<std::string> initial_directories(const Scenario& scenario, bool store_is_filled) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < scenario.filesets.size(); ++i) {
    const FileSet& set = scenario.filesets[i];
    if (store_is_filled && set.content == ContentSource::kStore) continue;
    std::ranges::copy(directory_names(scenario.filesets, i), std::back_inserter(names));
    for (std::uint64_t entry = 0; set.type == EntryType::kDirectory && entry < set.nrfiles;
         ++entry) {
      if (exists_at_start(set, entry)) names.push_back(entry_name(scenario.filesets, i, entry));
    }
  }
  return names;
}

std::vector<Operation> setup_operations(const ClientPlan& plan, ContentSource source) {
  std::vector<Operation> operations;
  if (plan.job->form == JobForm::kPattern && source == ContentSource::kClients) {
    operations = setup_operations(*plan.job);
  }
  for (std::size_t i = 0; i < plan.shares.size(); ++i) {
    const FileSet& set = plan.scenario->filesets[i];
    const SetShare& share = plan.shares[i];
    if (!share.used || set.type != EntryType::kFile || set.content != source ||
        (set.shared && share.rank > 0))
      continue;
    for (std::uint64_t k = 0; k < share.count(set); ++k) {
      const std::uint64_t entry = share.entry(set, k);
      if (exists_at_start(set, entry)) add_file(plan, i, entry, operations);
    }
  }
  return operations;
}

}  // namespace vfsprof::harness
