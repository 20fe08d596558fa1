#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "harness/error.h"
#include "harness/scenario/scenario.h"

namespace vfsprof::harness {
namespace {

using nlohmann::json;
using std::chrono::nanoseconds;

std::string duration_text(nanoseconds duration) {
  return fmt::format("{}us",
                     std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

void add_pattern(const Job& job, json& document) {
  document.update({
      {"rw", to_string(job.rw)},
      {"bs", job.bs},
      {"size", job.size},
      {"nrfiles", job.nrfiles},
      {"number_ios", job.number_ios},
      {"fsync", job.fsync},
      {"end_fsync", job.end_fsync},
      {"prefill", job.prefill},
      {"reopen", job.reopen},
      {"create", job.create},
  });
  if (reads(job.rw) && writes(job.rw)) document["rwmixread"] = job.rwmixread;
}

json job_document(const Job& job) {
  json document = {{"name", job.name},
                   {"verify", job.verify},
                   {"phase", job.phase},
                   {"rate_iops", job.rate_iops}};
  if (job.form == JobForm::kPattern) add_pattern(job, document);
  if (job.form == JobForm::kOperations) {
    document["pace"] = job.recorded_pace ? "recorded" : "closed";
  } else {
    document["numjobs"] = job.numjobs;
    document["loops"] = job.loops;
    document["thinktime"] = duration_text(job.thinktime);
  }
  if (!job.text.empty()) document.update(json::parse(job.text));
  return document;
}

std::uint64_t scaled(std::uint64_t count, double factor) {
  return static_cast<std::uint64_t>(std::max(1.0, std::round(static_cast<double>(count) * factor)));
}

void scale_job(Job& job, double factor) {
  if (job.form == JobForm::kOperations) {
    throw BadInput(fmt::format(
        "job '{}' is a list of operations, which cannot be scaled: leave --scale out", job.name));
  }
  if (job.form == JobForm::kSteps) {
    job.loops = static_cast<unsigned>(scaled(job.loops, factor));
  } else if (job.number_ios > 0) {
    job.number_ios = scaled(job.number_ios, factor);
  } else {
    job.size = scaled(job.size / job.bs, factor) * job.bs;
  }
}

}  // namespace

std::string to_document(const Scenario& scenario) {
  json jobs = json::array();
  for (const Job& job : scenario.jobs) jobs.push_back(job_document(job));
  json document = {
      {"name", scenario.name},
      {"summary", scenario.summary},
      {"stresses", scenario.stresses},
      {"seed", scenario.seed},
      {"placement", to_string(scenario.placement)},
      {"racy", scenario.racy},
      {"runtime_cap", duration_text(scenario.runtime_cap)},
      {"disk_budget", scenario.disk_budget},
      {"jobs", std::move(jobs)},
  };
  // Results are compared by this text: what a scenario does not use is not in it.
  if (scenario.lockstep) document["schedule"] = "lockstep";
  if (!scenario.filesets_text.empty()) document["filesets"] = json::parse(scenario.filesets_text);
  return document.dump();
}

void scale(Scenario& scenario, double factor) {
  std::vector<double> grown(scenario.filesets.size(), 0);  // by how much the work on each set grew
  double clients = 0;                                      // each keeps at least one entry
  for (Job& job : scenario.jobs) {
    const unsigned loops = job.loops;
    clients += job.numjobs;
    scale_job(job, factor);
    for (const Instruction& step : job.program.loop) {
      for (const int set : {step.set, step.other_set}) {
        if (set < 0) continue;
        double& growth = grown[static_cast<std::size_t>(set)];
        growth = std::max(growth, static_cast<double>(job.loops) / loops);
      }
    }
  }
  if (!scenario.filesets_text.empty()) {
    json sets = json::parse(scenario.filesets_text);
    for (std::size_t i = 0; i < sets.size(); ++i) {
      // Sets that are filled by the work itself; the others are what it works on.
      if (sets[i].value("existing", 100) > 0 || grown[i] <= 0) continue;
      const double scaled_files = std::ceil(sets[i].value("nrfiles", 1.0) * grown[i]);
      sets[i]["nrfiles"] = std::llround(std::max(scaled_files, clients));
    }
    scenario.filesets_text = sets.dump();
  }
  // What results is checked as if it had been written so.
  scenario =
      parse_scenario(to_document(scenario), fmt::format("{} scaled by {}", scenario.name, factor));
}

}  // namespace vfsprof::harness
