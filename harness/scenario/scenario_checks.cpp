#include "harness/scenario/scenario_checks.h"

#include <fmt/format.h>

#include <cstddef>

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

Demand demand_of(const Job& job) {
  Demand demand;
  demand.clients = job.numjobs;
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
  return check_total(total);
}

}  // namespace vfsprof::harness
