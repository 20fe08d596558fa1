#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reports/model/client_stats.h"
#include "reports/model/histogram.h"
#include "reports/model/stack_table.h"
#include "reports/model/waits.h"

namespace vfsprof::reports {

/// Raised when a field changes its meaning; a reader accepts this and every earlier version.
inline constexpr int kSchemaVersion = 1;

// Everything that a run measured, and nothing that can be derived from it. Every table of a report
// derives from one RunResult, so no two can disagree. Plain values: saved as run.json or
// compare.json (json.h), analysed offline.

/// The machine and build that a result holds for.
struct Environment {
  std::string tool_version;
  std::string build_type;
  std::string compiler;
  std::string kernel;
  std::string distribution;
  std::string libc;
  std::string libfuse;
  std::string cpu_model;
  std::string hypervisor;  ///< empty on bare metal
  int cpus = 0;
  std::uint64_t memory_bytes = 0;
  std::string user;  ///< "root" or "ordinary user"
  int perf_event_paranoid = 0;
  int kptr_restrict = 0;
};

enum class CapabilityState { kAvailable, kDegraded, kUnavailable };

/// What could be measured, with which source. Nothing is silently missing: `detail` says what was
/// lost and why, `remedy` which command or setting gives it back.
struct Capability {
  std::string name;
  CapabilityState state = CapabilityState::kAvailable;
  std::string detail;
  std::string remedy;
};

struct NamedValue {
  std::string name;
  std::string value;
};

/// One of the things compared: a variant of the reference file system on its target.
struct Arm {
  std::string name;              ///< as the user wrote it
  std::string canonical;         ///< canonical variant text, empty where there is no variant
  std::vector<NamedValue> axes;  ///< axis and value, mount options last
  std::string target = {};       ///< where it ran; empty: RunResult::target, as all others
};

struct ScenarioInfo {
  std::string name;
  std::string summary;
  bool racy =
      false;  ///< clients share names or ranges: facts that depend on order are not compared
  std::string document;  ///< the scenario file's JSON text as it was run
};

/// All operations of one kind by all clients in one round. An operation is one system call of a
/// client.
struct OperationStats {
  std::string kind;  ///< "write", "fsync", ...
  std::uint64_t count = 0;
  std::uint64_t errors = 0;
  std::uint64_t bytes = 0;
  Histogram service_time_ns;
  Histogram response_time_ns;  ///< from the intended start; empty where no client kept a pace
};

/// A thread of the observed process. `role` groups threads: the full name without a trailing
/// number.
struct Thread {
  std::int32_t tid = 0;
  std::string name;       ///< as the kernel shows it, at most 15 characters
  std::string full_name;  ///< the name in full where it is known, else `name`
  std::string role;
  std::uint64_t cpu_ns = 0;       ///< on-CPU time in the measured phase (scheduler statistics)
  std::uint64_t runnable_ns = 0;  ///< time spent waiting for a CPU
  std::uint64_t voluntary_switches = 0;
  std::uint64_t involuntary_switches = 0;
};

struct CounterValue {
  std::string name;
  std::string unit;
  std::uint64_t value = 0;
  /// "exact", "count-like" or "time-like": whether it repeats in lockstep; empty: nobody said.
  std::string stability = {};
};

/// Samples of one thread, stack and time slice, merged.
struct SampleCount {
  std::uint32_t thread = 0;  ///< index into Round::threads
  std::uint32_t stack = 0;   ///< index into Profile::stacks
  std::uint32_t slice = 0;   ///< time since the start of the measured phase / Profile::slice_ns
  std::uint64_t count = 0;
};

/// The samples of one round.
struct Profile : StackTable {
  std::string event;            ///< what was sampled: "cycles", "cpu-clock"
  std::string requested_event;  ///< what was asked for
  std::uint32_t frequency_hz = 0;
  std::uint64_t weight_ns = 0;  ///< CPU time that one sample stands for
  std::uint64_t slice_ns = 0;
  bool kernel_frames = true;    ///< false: samples inside the kernel could not be taken
  std::uint64_t lost = 0;       ///< samples the kernel reported as lost
  std::uint64_t throttled = 0;  ///< times the kernel throttled the event
  std::string unwind;  ///< how user stacks were walked: "fp", "dwarf", "auto"; empty: not known
  std::uint64_t whole_stacks = 0;      ///< samples whose user stack reaches the thread's start
  std::uint64_t cut_short_stacks = 0;  ///< samples whose does not; both 0 where nobody could tell
  std::vector<SampleCount> samples;
};

/// How often an event happened in one thread. If the machine has fewer counters than were asked
/// for, an event was on one for a part of the time only: running_ns < enabled_ns.
struct ThreadEvents {
  std::uint32_t thread = 0;  ///< index into Round::threads
  std::uint64_t count = 0;   ///< as counted, not scaled
  std::uint64_t enabled_ns = 0;
  std::uint64_t running_ns = 0;
};

/// An event that was asked for by name.
struct CountedEvent {
  std::string name;
  std::string unavailable;  ///< why it could not be counted; empty if it could
  std::vector<ThreadEvents> threads;
};

/// Timing rounds carry only what costs nothing, profiling rounds the sampler, tracing rounds the
/// ledgers of waits, counting rounds the events that were asked for. Only the times of timing
/// rounds are compared; the others' against them say what observing costs.
enum class RoundKind { kTiming, kProfiling, kTracing, kCounting };
inline constexpr std::array<std::string_view, 4> kRoundKindNames{"timing", "profiling", "tracing",
                                                                 "counting"};
inline std::string_view to_string(RoundKind kind) {
  return kRoundKindNames[static_cast<std::size_t>(kind)];
}

/// One fresh process under one arm.
struct Round {
  std::uint32_t arm = 0;    ///< index into RunResult::arms
  std::uint32_t block = 0;  ///< rounds of one block are paired across arms
  RoundKind kind = RoundKind::kTiming;
  /// False for a round of an imported recording: nothing says how many operations there were, and
  /// cost per operation is unavailable.
  bool counts_operations = true;
  std::uint64_t elapsed_ns = 0;  ///< measured phase, wall clock
  std::uint64_t process_cpu_ns =
      0;  ///< of the observed process in the measured phase, ended threads included
  std::uint64_t client_cpu_ns = 0;  ///< of all clients
  std::uint64_t collector_cpu_ns = 0;
  std::vector<OperationStats> operations;
  std::vector<Thread> threads;
  std::vector<CounterValue> counters;  ///< the daemon's own, differences over the measured phase
  std::vector<CountedEvent> events;    ///< of a counting round
  std::optional<Profile> profile;      ///< of a profiling round
  std::optional<Waits> waits;          ///< of a tracing round
  std::optional<ClientRound> clients;  ///< absent from results saved before there was any
  std::string tree_hash;               ///< names, types, sizes and contents at the end
  std::string results_hash;            ///< results of every operation, per client
  std::string void_reason;             ///< why the round does not count; empty for a good one
};

/// What a primitive that file systems are built from costs on this machine.
struct MachineFloor {
  std::string name;  ///< "memcpy_cache"
  std::string title;
  std::string unit;            ///< "ns" or "GB/s"
  std::vector<double> values;  ///< one per repeat; empty where it could not be measured
  std::string conditions;      ///< what exactly was done, and where
  std::string unavailable;     ///< why there are no values; empty if there are
};

/// What no variant can beat: a handler that only replies, on the same transport and interleaved
/// with the rounds of the result, and the primitives of the machine. It has arms and rounds of its
/// own, so that it never takes part in a comparison of variants.
struct Floors {
  /// Why no null handler ran; empty if one did.
  std::string absent = "the result was saved without it";
  std::vector<Arm> arms;              ///< null handlers, one for each set of mount options
  std::vector<std::uint32_t> arm_of;  ///< for each of RunResult::arms an index into `arms`, or none
  std::vector<Round>
      rounds;  ///< timing rounds; `arm` is an index into `arms` of here, `block` pairs
  std::vector<MachineFloor> machine;
};

/// The whole of one `run` or `compare`.
struct RunResult {
  int schema_version = kSchemaVersion;
  std::string command;  ///< "run" or "compare"
  std::string started;  ///< UTC, ISO 8601
  Environment environment;
  ScenarioInfo scenario;
  std::string target;     ///< "fuse", "inproc", "dir=...", "external=..."; all of them, if several
  std::string placement;  ///< "packed", "split", "free"
  std::uint64_t seed = 0;
  double equivalence_margin = 0.05;  ///< ratio within 1 +- this counts as equivalent
  bool partial = false;              ///< interrupted: fewer rounds than planned
  bool lockstep = false;             ///< clients took turns: exact counts repeat
  std::vector<Arm> arms;  ///< empty where only the machine was measured (scenario `floors`)
  std::vector<Round> rounds;
  WarmUp warm_up;
  std::vector<FirstDifference> differences;  ///< where arms part, first of each pair of arms
  Floors floors;
  std::vector<Capability> capabilities;
  std::vector<std::string> warnings;
};

}  // namespace vfsprof::reports
