#include "harness/scenario/scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "harness/error.h"
#include "harness/scenario/json_reader.h"
#include "harness/scenario/scenario_checks.h"

namespace vfsprof::harness {
namespace {

using nlohmann::json;
using std::chrono::nanoseconds;

constexpr std::size_t kMaxText = 200;
constexpr std::uint64_t kSecondNs = 1'000'000'000;

/// In the order of AccessPattern.
constexpr std::array<std::string_view, 6> kPatterns{"write",    "randwrite", "read",
                                                    "randread", "rw",        "randrw"};
/// In the order of Placement.
constexpr std::array<std::string_view, 3> kPlacements{"packed", "split", "free"};

nanoseconds to_duration(std::uint64_t ns) { return nanoseconds{static_cast<std::int64_t>(ns)}; }

// THE list of a job's keys. The ranges stand in scenarios/schema.json too; a test compares them.
constexpr JsonField<Job> kJobFields[] = {
    {"name", true, [](const JsonNode& node, Job& job) { job.name = read_name(node); }},
    {"rw", true,
     [](const JsonNode& node, Job& job) {
       job.rw = static_cast<AccessPattern>(read_choice(node, kPatterns));
     }},
    {"rwmixread", false,
     [](const JsonNode& node, Job& job) {
       if (!reads(job.rw) || !writes(job.rw)) {
         reject(node, fmt::format("rw={} mixes nothing: leave rwmixread out", to_string(job.rw)));
       }
       job.rwmixread = static_cast<unsigned>(read_integer(node, {0, 100}));
     }},
    {"bs", false,
     [](const JsonNode& node, Job& job) { job.bs = read_size(node, {512, 16 << 20}); }},
    {"size", true,
     [](const JsonNode& node, Job& job) { job.size = read_size(node, {512, kMaxStoredBytes}); }},
    {"numjobs", false,
     [](const JsonNode& node, Job& job) {
       job.numjobs = static_cast<unsigned>(read_integer(node, {1, kMaxClients}));
     }},
    {"nrfiles", false,
     [](const JsonNode& node, Job& job) {
       job.nrfiles = static_cast<unsigned>(read_integer(node, {1, kMaxFiles}));
     }},
    {"number_ios", false,
     [](const JsonNode& node, Job& job) {
       job.number_ios = read_integer(node, {0, kMaxOperations});
     }},
    {"loops", false,
     [](const JsonNode& node, Job& job) {
       job.loops = static_cast<unsigned>(read_integer(node, {1, 1'000'000}));
     }},
    {"fsync", false,
     [](const JsonNode& node, Job& job) { job.fsync = read_integer(node, {0, kMaxOperations}); }},
    {"end_fsync", false, [](const JsonNode& node, Job& job) { job.end_fsync = read_bool(node); }},
    {"prefill", false, [](const JsonNode& node, Job& job) { job.prefill = read_bool(node); }},
    {"reopen", false, [](const JsonNode& node, Job& job) { job.reopen = read_bool(node); }},
    {"create", false, [](const JsonNode& node, Job& job) { job.create = read_bool(node); }},
    {"verify", false, [](const JsonNode& node, Job& job) { job.verify = read_bool(node); }},
    {"thinktime", false,
     [](const JsonNode& node, Job& job) {
       job.thinktime = to_duration(read_duration_ns(node, {0, 60 * kSecondNs}));
     }},
};

void read_jobs(const JsonNode& node, Scenario& scenario) {
  if (!node.value.is_array() || node.value.empty() || node.value.size() > kMaxClients) {
    reject(node, fmt::format("give an array of 1 to {} jobs", kMaxClients));
  }
  for (std::size_t i = 0; i < node.value.size(); ++i) {
    read_object<Job>(node.at(i), kJobFields, scenario.jobs.emplace_back());
  }
}

// THE list of a scenario's keys.
constexpr JsonField<Scenario> kScenarioFields[] = {
    {"name", true, [](const JsonNode& node, Scenario& out) { out.name = read_name(node); }},
    {"summary", true,
     [](const JsonNode& node, Scenario& out) { out.summary = read_line_of_text(node, kMaxText); }},
    {"stresses", true,
     [](const JsonNode& node, Scenario& out) { out.stresses = read_line_of_text(node, kMaxText); }},
    {"seed", false,
     [](const JsonNode& node, Scenario& out) { out.seed = read_integer(node, {0, UINT64_MAX}); }},
    {"placement", false,
     [](const JsonNode& node, Scenario& out) {
       out.placement = static_cast<Placement>(read_choice(node, kPlacements));
     }},
    {"racy", false, [](const JsonNode& node, Scenario& out) { out.racy = read_bool(node); }},
    {"runtime_cap", false,
     [](const JsonNode& node, Scenario& out) {
       out.runtime_cap = to_duration(read_duration_ns(node, {1'000'000, 3600 * kSecondNs}));
     }},
    {"jobs", true, read_jobs},
};

std::string duration_text(nanoseconds duration) {
  return fmt::format("{}us",
                     std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

json job_document(const Job& job) {
  json document = {
      {"name", job.name},
      {"rw", to_string(job.rw)},
      {"bs", job.bs},
      {"size", job.size},
      {"numjobs", job.numjobs},
      {"nrfiles", job.nrfiles},
      {"number_ios", job.number_ios},
      {"loops", job.loops},
      {"fsync", job.fsync},
      {"end_fsync", job.end_fsync},
      {"prefill", job.prefill},
      {"reopen", job.reopen},
      {"create", job.create},
      {"verify", job.verify},
      {"thinktime", duration_text(job.thinktime)},
  };
  if (reads(job.rw) && writes(job.rw)) document["rwmixread"] = job.rwmixread;
  return document;
}

}  // namespace

std::string_view to_string(AccessPattern rw) { return kPatterns[static_cast<std::size_t>(rw)]; }

bool is_random(AccessPattern rw) {
  return rw == AccessPattern::kRandWrite || rw == AccessPattern::kRandRead ||
         rw == AccessPattern::kRandReadWrite;
}

bool reads(AccessPattern rw) {
  return rw != AccessPattern::kWrite && rw != AccessPattern::kRandWrite;
}

bool writes(AccessPattern rw) {
  return rw != AccessPattern::kRead && rw != AccessPattern::kRandRead;
}

std::uint64_t ios_per_loop(const Job& job) {
  return job.number_ios > 0 ? job.number_ios : job.nrfiles * (job.size / job.bs);
}

Scenario parse_scenario(std::string_view text, const std::string& origin) {
  const json document = parse_strictly(text, origin);
  Scenario scenario;
  const JsonNode root{document, "", origin};
  read_object<Scenario>(root, kScenarioFields, scenario);
  if (const auto found = find_contradiction(scenario)) {
    reject({document, found->pointer, origin}, found->text);
  }
  scenario.document = text;
  return scenario;
}

std::string to_document(const Scenario& scenario) {
  json jobs = json::array();
  for (const Job& job : scenario.jobs) jobs.push_back(job_document(job));
  const json document = {
      {"name", scenario.name},
      {"summary", scenario.summary},
      {"stresses", scenario.stresses},
      {"seed", scenario.seed},
      {"placement", to_string(scenario.placement)},
      {"racy", scenario.racy},
      {"runtime_cap", duration_text(scenario.runtime_cap)},
      {"jobs", std::move(jobs)},
  };
  return document.dump();
}

}  // namespace vfsprof::harness
