#include "harness/scenario/scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "harness/error.h"
#include "harness/scenario/json_reader.h"
#include "harness/scenario/operation_list.h"
#include "harness/scenario/scenario_checks.h"
#include "harness/scenario/steps_parser.h"

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
constexpr std::array<std::string_view, 2> kSchedules{"free", "lockstep"};
constexpr std::array<std::string_view, 2> kPaces{"closed", "recorded"};

nanoseconds to_duration(std::uint64_t ns) { return nanoseconds{static_cast<std::int64_t>(ns)}; }

// Which keys go with which form of a job: those for all, then by form.
constexpr std::array<std::string_view, 5> kKeysOfAll{"name", "verify", "runtime", "phase",
                                                     "rate_iops"};
constexpr std::array<std::string_view, 13> kPatternKeys{
    "rw",    "rwmixread", "bs",        "size",    "numjobs", "nrfiles", "number_ios",
    "loops", "fsync",     "end_fsync", "prefill", "reopen",  "create"};
constexpr std::array<std::string_view, 5> kStepsKeys{"numjobs", "loops", "thinktime", "setup",
                                                     "steps"};
constexpr std::array<std::string_view, 3> kOperationsKeys{"pace", "setup", "operations"};

bool is_key_of(std::string_view key, JobForm form) {
  const auto in = [key](std::span<const std::string_view> keys) {
    return std::ranges::find(keys, key) != keys.end();
  };
  if (in(kKeysOfAll)) return true;
  if (form == JobForm::kSteps) return in(kStepsKeys);
  if (form == JobForm::kOperations) return in(kOperationsKeys);
  return in(kPatternKeys) || key == "thinktime";
}

// THE list of a job's keys. The ranges stand in scenarios/schema.json too; a test compares them.
constexpr JsonField<Job> kJobFields[] = {
    {"name", true, [](const JsonNode& node, Job& job) { job.name = read_name(node); }},
    {"rw", false,
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
    {"size", false,
     [](const JsonNode& node, Job& job) { job.size = read_size(node, {512, kMaxStoredBytes}); }},
    {"numjobs", false, read_count<&Job::numjobs, 1, kMaxClients>},
    {"nrfiles", false, read_count<&Job::nrfiles, 1, kMaxFiles>},
    {"number_ios", false, read_count<&Job::number_ios, 0, kMaxOperations>},
    {"loops", false, read_count<&Job::loops, 1, 1'000'000>},
    {"fsync", false, read_count<&Job::fsync, 0, kMaxOperations>},
    {"end_fsync", false, read_flag<&Job::end_fsync>},
    {"prefill", false, read_flag<&Job::prefill>},
    {"reopen", false, read_flag<&Job::reopen>},
    {"create", false, read_flag<&Job::create>},
    {"verify", false, read_flag<&Job::verify>},
    {"thinktime", false,
     [](const JsonNode& node, Job& job) {
       job.thinktime = to_duration(read_duration_ns(node, {0, 60 * kSecondNs}));
     }},
    {"rate_iops", false, read_count<&Job::rate_iops, 0, 10'000'000>},
    {"runtime", false,
     [](const JsonNode& node, Job& job) {
       job.runtime = to_duration(read_duration_ns(node, {1'000'000, 3600 * kSecondNs}));
     }},
    {"phase", false, read_count<&Job::phase, 0, 63>},
    {"pace", false,
     [](const JsonNode& node, Job& job) { job.recorded_pace = read_choice(node, kPaces) == 1; }},
    // Read once all others are (read_form).
    {"setup", false, [](const JsonNode&, Job&) {}},
    {"steps", false, [](const JsonNode&, Job&) {}},
    {"operations", false, [](const JsonNode&, Job&) {}},
};

/// Which of the three forms the job has; it has the keys of that form only.
JobForm read_form(const JsonNode& node) {
  constexpr std::string_view kMarks[] = {"rw", "steps", "operations"};  // in the order of JobForm
  std::optional<JobForm> form;
  for (std::size_t i = 0; i < std::size(kMarks); ++i) {
    if (!node.value.contains(std::string(kMarks[i]))) continue;
    if (form) reject(node, "give one of \"rw\", \"steps\" and \"operations\"");
    form = static_cast<JobForm>(i);
  }
  if (!form) reject(node, "the key \"rw\", \"steps\" or \"operations\" is missing");
  for (const auto& item : node.value.items()) {
    if (!is_key_of(item.key(), *form)) {
      reject(node.at(item.key()), fmt::format("does not go with \"{}\": leave it out",
                                              kMarks[static_cast<std::size_t>(*form)]));
    }
  }
  if (form == JobForm::kPattern && !node.value.contains("size")) {
    reject(node, "the key \"size\" is missing");
  }
  return *form;
}

/// What the job does, where it is not said in fio's words.
void read_steps_or_operations(const JsonNode& node, Scenario& scenario, Job& job) {
  if (job.form == JobForm::kPattern) return;
  json text;
  for (const char* key : {"setup", "steps", "operations"}) {
    if (node.value.contains(key)) text[key] = node.value[key];
  }
  job.text = text.dump();
  if (job.form == JobForm::kOperations) {
    job.operations = std::make_shared<const OperationList>(read_operation_list(node));
    return;
  }
  StepsParser parser{.sets = scenario.filesets, .texts = scenario.texts};
  if (node.value.contains("setup")) job.program.setup = parser.read(node.at("setup"));
  job.program.loop = parser.read(node.at("steps"));
}

void read_jobs(const JsonNode& node, Scenario& scenario) {
  if (!node.value.is_array() || node.value.empty() || node.value.size() > kMaxClients) {
    reject(node, fmt::format("give an array of 1 to {} jobs", kMaxClients));
  }
  for (std::size_t i = 0; i < node.value.size(); ++i) {
    const JsonNode item = node.at(i);
    Job& job = scenario.jobs.emplace_back();
    read_object<Job>(item, kJobFields, job);
    job.form = read_form(item);
    read_steps_or_operations(item, scenario, job);
    if (job.runtime.count() > 0) scenario.runtime_cap = std::min(scenario.runtime_cap, job.runtime);
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
    {"schedule", false,
     [](const JsonNode& node, Scenario& out) {
       out.lockstep = read_choice(node, kSchedules) == 1;
     }},
    {"runtime_cap", false,
     [](const JsonNode& node, Scenario& out) {
       out.runtime_cap = to_duration(read_duration_ns(node, {1'000'000, 3600 * kSecondNs}));
     }},
    {"disk_budget", false,
     [](const JsonNode& node, Scenario& out) {
       out.disk_budget = read_size(node, {1 << 20, kMaxDiskBudget});
     }},
    {"filesets", false,
     [](const JsonNode& node, Scenario& out) {
       out.filesets = read_file_sets(node);
       out.filesets_text = node.value.dump();
     }},
    {"jobs", true, read_jobs},
};

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

}  // namespace vfsprof::harness
