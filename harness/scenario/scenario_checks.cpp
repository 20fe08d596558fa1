#include "harness/scenario/scenario_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include "harness/scenario/operation_list.h"
#include "harness/scenario/step_kinds.h"

namespace vfsprof::harness {
namespace {

/// What a job asks for in all. Doubles, as products of allowed values can exceed 64 bits.
struct Demand {
  double clients = 0;
  double files = 0;
  double stored_bytes = 0;
  double moved_bytes = 0;
  double operations = 0;
};

/// Operations of a program, if every branch of a mix were taken: at least as many as there are.
double operations_of(const std::vector<Instruction>& program) {
  double operations = 0;
  double factor = 1;
  std::vector<double> outer;
  for (const Instruction& step : program) {
    if (step.code == StepCode::kRepeat) {
      outer.push_back(factor);
      factor *= static_cast<double>(step.count);
    } else if (step.code == StepCode::kEndRepeat) {
      factor = outer.back();
      outer.pop_back();
    } else if (step.code < StepCode::kRepeat) {
      operations += factor;
    }
  }
  return operations;
}

Demand demand_of(const Job& job) {
  Demand demand;
  demand.clients = job.numjobs;
  if (job.form == JobForm::kSteps) {
    demand.operations = demand.clients * (operations_of(job.program.setup) +
                                          job.loops * operations_of(job.program.loop));
    return demand;
  }
  if (job.form == JobForm::kOperations) {
    demand.operations = static_cast<double>(job.operations->operations.size());
    return demand;
  }
  demand.files = demand.clients * job.nrfiles;
  demand.stored_bytes = demand.files * static_cast<double>(job.size);
  const auto bs = static_cast<double>(job.bs);
  double ios = demand.clients * static_cast<double>(ios_per_loop(job));
  if (reads_back(job)) ios += demand.stored_bytes / bs;
  demand.operations = job.loops * (ios + 4 * demand.files);
  demand.moved_bytes = job.loops * ios * bs + (job.prefill ? demand.stored_bytes : 0);
  return demand;
}

std::optional<Contradiction> check_job(const Job& job, const std::string& pointer) {
  if (job.form != JobForm::kPattern) return std::nullopt;
  const auto at = [&](std::string_view key, std::string text) {
    return Contradiction{fmt::format("{}/{}", pointer, key), std::move(text)};
  };
  const std::string_view rw = to_string(job.rw);
  if (job.size < job.bs || job.size % job.bs != 0) {
    return at("size", fmt::format("size {} is not a multiple of bs {}", job.size, job.bs));
  }
  if (job.create && job.prefill) {
    return at("prefill",
              "with create every loop starts with new, empty files: leave one of the two out");
  }
  if (reads(job.rw) && !job.prefill) {
    return at("prefill",
              fmt::format("rw={} reads, so the files must hold data: set \"prefill\": true", rw));
  }
  const bool writes_whole_files = job.rw == AccessPattern::kWrite && job.number_ios == 0;
  if (reads_back(job) && !job.prefill && !writes_whole_files) {
    return at("verify",
              "reading back needs files without holes: set \"prefill\": true, or use rw=write "
              "without number_ios");
  }
  if (job.fsync > 0 && !writes(job.rw)) {
    return at("fsync",
              fmt::format("rw={} never writes, so there is nothing to fsync: leave it out", rw));
  }
  return std::nullopt;
}

/// What a step does to a set that another client may see.
bool writes_shared_data(const Instruction& step) { return kind_of(step.code)->changes_data; }
bool changes_listing(const Instruction& step) { return kind_of(step.code)->changes_names; }

bool uses(const Job& job, int set) {
  const auto mentions = [set](const Instruction& step) {
    return step.set == set || step.other_set == set;
  };
  return std::ranges::any_of(job.program.setup, mentions) ||
         std::ranges::any_of(job.program.loop, mentions);
}

unsigned clients_of(const Scenario& scenario, int set) {
  unsigned clients = 0;
  for (const Job& job : scenario.jobs) clients += uses(job, set) ? job.numjobs : 0;
  return clients;
}

/// Whether several clients of the scenario use set `set` in a way that makes results depend on who
/// comes first; the answer says how.
std::string race_in(const Scenario& scenario, int set) {
  const unsigned clients = clients_of(scenario, set);
  bool writes = false, changes = false, lists = false;
  for (const Job& job : scenario.jobs) {
    for (const auto* program : {&job.program.setup, &job.program.loop}) {
      for (const Instruction& step : *program) {
        if (step.code >= StepCode::kRepeat || (step.set != set && step.other_set != set)) continue;
        writes = writes || writes_shared_data(step);
        changes = changes || changes_listing(step);
        lists = lists || step.code == StepCode::kReaddir;
      }
    }
  }
  const FileSet& files = scenario.filesets[static_cast<std::size_t>(set)];
  if (clients < 2) return {};
  if (files.shared && writes)
    return fmt::format("{} clients share the files of set '{}', and write to them", clients,
                       files.name);
  if (changes && lists)
    return fmt::format("{} clients list the directories of set '{}' while names in them change",
                       clients, files.name);
  return {};
}

std::optional<Contradiction> check_races(const Scenario& scenario) {
  for (std::size_t set = 0; !scenario.racy && set < scenario.filesets.size(); ++set) {
    const std::string race = race_in(scenario, static_cast<int>(set));
    if (!race.empty()) return Contradiction{"", race + ": set \"racy\": true"};
  }
  return std::nullopt;
}

/// Directories that steps make belong to one client; what lies in them must too.
std::optional<Contradiction> check_parents(const Scenario& scenario) {
  for (std::size_t i = 0; i < scenario.filesets.size(); ++i) {
    const FileSet& set = scenario.filesets[i];
    if (set.in < 0) continue;
    const FileSet& parent = scenario.filesets[static_cast<std::size_t>(set.in)];
    if (parent.existing < 100 && clients_of(scenario, static_cast<int>(i)) > 1) {
      return Contradiction{
          fmt::format("/filesets/{}/in", i),
          fmt::format("several clients use '{}', and the directories of '{}' are made "
                      "by steps of one: leave \"existing\" of '{}' at 100",
                      set.name, parent.name, parent.name)};
    }
  }
  return std::nullopt;
}

std::optional<Contradiction> check_total(const Demand& total) {
  const auto above = [](double value, auto limit, std::string_view what) {
    return Contradiction{
        "/jobs",
        fmt::format("asks for {:.0f} {}, and {} are allowed over all jobs", value, what, limit)};
  };
  if (total.clients > kMaxClients) return above(total.clients, kMaxClients, "clients (numjobs)");
  if (total.files > kMaxFiles) return above(total.files, kMaxFiles, "files (numjobs * nrfiles)");
  if (total.stored_bytes > static_cast<double>(kMaxStoredBytes)) {
    return above(total.stored_bytes, kMaxStoredBytes, "bytes of files (numjobs * nrfiles * size)");
  }
  if (total.operations > static_cast<double>(kMaxOperations)) {
    return above(total.operations, kMaxOperations, "operations (numjobs * loops * number_ios)");
  }
  if (total.moved_bytes > static_cast<double>(kMaxMovedBytes)) {
    return above(total.moved_bytes, kMaxMovedBytes,
                 "bytes read and written (numjobs * loops * number_ios * bs)");
  }
  return std::nullopt;
}

}  // namespace

std::optional<Contradiction> find_contradiction(const Scenario& scenario) {
  Demand total;
  for (std::size_t i = 0; i < scenario.jobs.size(); ++i) {
    const Job& job = scenario.jobs[i];
    if (auto found = check_job(job, fmt::format("/jobs/{}", i))) return found;
    for (std::size_t other = 0; other < i; ++other) {
      if (scenario.jobs[other].name == job.name) {
        return Contradiction{
            fmt::format("/jobs/{}/name", i),
            fmt::format("two jobs bear the name '{}': give each its own", job.name)};
      }
    }
    const Demand demand = demand_of(job);
    total.clients += demand.clients;
    total.files += demand.files;
    total.stored_bytes += demand.stored_bytes;
    total.moved_bytes += demand.moved_bytes;
    total.operations += demand.operations;
  }
  if (auto found = check_races(scenario)) return found;
  if (auto found = check_parents(scenario)) return found;
  return check_total(total);
}

}  // namespace vfsprof::harness
