#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "harness/run/placement.h"
#include "harness/scenario/file_set.h"
#include "harness/scenario/steps.h"

namespace vfsprof::harness {

/// fio's `rw`: which operations a job issues and in which order of offsets.
enum class AccessPattern { kWrite, kRandWrite, kRead, kRandRead, kReadWrite, kRandReadWrite };

/// fio's word: "write", "randwrite", "read", "randread", "rw", "randrw".
std::string_view to_string(AccessPattern rw);
/// Whether offsets are drawn at random (with repetition, as fio's `norandommap`).
bool is_random(AccessPattern rw);
/// Whether the pattern reads, and whether it writes; `rw` and `randrw` do both.
bool reads(AccessPattern rw);
bool writes(AccessPattern rw);

struct OperationList;
struct Recording;

/// The three ways to say what a job does: fio's words (`rw`), `steps` on sets of files, or every
/// single one of its `operations`.
enum class JobForm { kPattern, kSteps, kOperations };

/// A group of identical clients. Sizes in bytes. From `rw` to `verify` in fio's vocabulary.
struct Job {
  std::string name;
  AccessPattern rw = AccessPattern::kWrite;
  unsigned rwmixread = 50;  ///< per cent of reads where `rw` mixes
  std::uint64_t bs = 4096;  ///< bytes per read or write
  std::uint64_t size = 0;   ///< of each file
  unsigned numjobs = 1;     ///< clients, each a thread with files of its own
  unsigned nrfiles = 1;     ///< files per client
  /// Reads and writes per client and loop; 0: as many as its files have blocks.
  std::uint64_t number_ios = 0;
  unsigned loops = 1;       ///< the measured phase does everything this often
  std::uint64_t fsync = 0;  ///< an fsync after this many writes to a file; 0: never
  bool end_fsync = false;   ///< fsync before each close
  bool prefill = false;     ///< write every file in full before the measured phase
  bool reopen = false;      ///< open and close the files in every loop instead of once
  /// Each loop starts with new files (old ones are unlinked); implies `reopen`.
  bool create = false;
  /// Check the contents of every read; where `rw` only writes, each loop ends by reading all
  /// files back.
  bool verify = false;
  std::chrono::nanoseconds thinktime{0};  ///< pause between loops

  JobForm form = JobForm::kPattern;
  Program program = {};                                  ///< of kSteps
  std::shared_ptr<const OperationList> operations = {};  ///< of kOperations
  std::string text = {};        ///< the JSON of its setup, steps and operations, as it was read
  std::uint64_t rate_iops = 0;  ///< operations per second and client; 0: as fast as they go
  bool recorded_pace = false;   ///< each operation starts when it did in the recording
  std::chrono::nanoseconds runtime{0};  ///< lowers the scenario's runtime_cap; 0: does not
  unsigned phase = 0;                   ///< starts when all jobs of lower phases are done
};

/// Reads and writes per client and loop, the read-back of `verify` apart.
std::uint64_t ios_per_loop(const Job& job);
/// Whether each loop opens and closes the files.
inline bool opens_each_loop(const Job& job) { return job.reopen || job.create; }
/// Whether each loop ends by reading all files back.
inline bool reads_back(const Job& job) { return job.verify && !reads(job.rw); }

/// A workload: what clients do, on which placement, bounded by operations.
struct Scenario {
  std::string name;
  std::string summary;   ///< what it does, one line
  std::string stresses;  ///< what it is good at showing, one line
  std::uint64_t seed = 1;
  Placement placement = Placement::kPacked;
  bool racy = false;  ///< clients share names or ranges
  bool lockstep =
      false;  ///< clients take turns, an operation each, in an order that the seed draws
  /// A safety net: a round that hits it is void.
  std::chrono::nanoseconds runtime_cap{std::chrono::minutes{2}};
  /// Bytes that all files may hold together at any time: what would exceed it does not start, and
  /// is stopped.
  std::uint64_t disk_budget = 4ULL << 30;
  std::vector<FileSet> filesets;
  std::string filesets_text;       ///< their JSON, as it was read
  std::vector<std::string> texts;  ///< names that steps mention
  std::vector<Job> jobs;
  std::shared_ptr<const Recording> recording;  ///< where it is one; else null
  std::string document;                        ///< the JSON text it came from
};

struct ScenarioSummary {
  std::string name;
  std::string summary;
  std::string stresses;
};

/// The scenarios in scenarios/, compiled in, sorted by name.
std::vector<ScenarioSummary> built_in_scenarios();

/// Loads a built-in scenario by name, or a file by path (anything with a '/' or ending in ".json",
/// or ".jsonl" for a recording).
/// Throws BadInput: file, JSON pointer or line, the offending value, and what is allowed.
Scenario load_scenario(const std::string& name_or_path);

/// Scales every count of work by `factor`: operations (`number_ios`), loops of steps, sizes of
/// files that are written once through, and sets of files that do not exist at the start. Rounds to
/// whole ones, at least one. Throws BadInput where a job is a list of operations, or what results
/// is not allowed.
void scale(Scenario& scenario, double factor);

/// The same from text; `origin` is named in errors.
Scenario parse_scenario(std::string_view text, const std::string& origin);

/// The scenario as a JSON document on one line, every key written out: parsing it gives the same
/// scenario. Durations are kept to the microsecond.
std::string to_document(const Scenario& scenario);

}  // namespace vfsprof::harness
