#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reports/analyze/clients.h"
#include "reports/analyze/events.h"
#include "reports/analyze/latency.h"
#include "reports/analyze/observing.h"
#include "reports/analyze/opportunity.h"
#include "reports/analyze/statistics.h"
#include "reports/analyze/waits.h"
#include "reports/model/run_result.h"
#include "reports/rules/rule_set.h"

namespace vfsprof::reports {

// Everything that a report says, as values; writers only put it into words and tables. Derived from
// one RunResult.

/// Below this many samples a row is called thin: its share is a rough guess.
inline constexpr std::uint64_t kThinSamples = 100;

/// A figure and its 95 % interval, where one can be given.
struct Estimate {
  double value = 0;
  std::optional<Interval> interval;
};

/// A function and its part of the row it stands in (0 to 1).
struct SymbolShare {
  std::string name;
  double share = 0;
};

/// CPU time: its share of the arm's whole (0 to 1), its cost per operation, and both as they are to
/// be printed. Printed figures add up: rows to their thread, threads to 100.00 %.
struct CpuTime {
  std::uint64_t samples = 0;
  std::uint64_t weight_ns = 0;
  Estimate share;
  Estimate cost_ns;                   ///< per operation
  std::uint64_t printed_share = 0;    ///< in hundredths of a per cent
  std::uint64_t printed_cost_ns = 0;  ///< per operation
  bool has_cost = true;               ///< false: operations were not counted, costs are unavailable

  /// Adds samples, weight and printed figures. Estimates are the caller's: intervals do not add up.
  void add_counts(const CpuTime& other) {
    samples += other.samples;
    weight_ns += other.weight_ns;
    printed_share += other.printed_share;
    printed_cost_ns += other.printed_cost_ns;
    has_cost = has_cost && other.has_cost;
  }
};

/// A category's part of one thread role.
struct CategoryRow {
  std::string id;
  std::string title;
  std::string group;
  CpuTime time;
  bool thin = false;                  ///< sampled, but fewer than kThinSamples
  std::vector<SymbolShare> deciding;  ///< the frames that put samples here, largest first
  std::vector<SymbolShare> leaves;    ///< the innermost frames, largest first
  std::vector<SymbolShare> chains;    ///< of `unclassified`: leaf < caller < ..., largest first
};

/// One function as innermost frame of more than this part of all samples (0 to 1) is flagged: the
/// interrupt that samples may be held back until there.
inline constexpr double kSkidShare = 0.2;

/// The threads of one role. Rows by weight, largest first; `unclassified` is always among them.
struct RoleTable {
  std::string role;
  std::string note;         ///< what these threads are for (rules/roles.json); empty if unknown
  std::string kernel_name;  ///< as the kernel shows it, where it differs from the role
  double threads = 0;       ///< per round
  CpuTime time;
  double scheduled_ns = 0;  ///< CPU time by the scheduler's account, per operation
  double runnable_ns = 0;   ///< waiting for a CPU, per operation
  double switches = 0;      ///< context switches per operation
  std::vector<CategoryRow> rows;
};

/// Related categories over all threads.
struct GroupTotal {
  std::string group;
  CpuTime time;
  std::vector<std::string> roles;  ///< in which it was seen, largest first
};

/// Where the CPU time of one arm went, over its profiling rounds.
struct ProfileTables {
  std::size_t rounds = 0;
  std::uint64_t elapsed_ns = 0;
  std::uint64_t operations = 0;  ///< 0: not counted, costs per operation are unavailable
  std::uint64_t samples = 0;
  bool has_intervals = true;  ///< false: one stretch of time, which says nothing about chance
  std::string event;
  std::string requested_event;
  std::uint32_t frequency_hz = 0;
  bool kernel_frames = true;
  std::uint64_t lost = 0;
  std::uint64_t throttled = 0;
  std::uint64_t whole_stacks = 0;  ///< samples whose user stack reaches the thread's start
  std::uint64_t cut_short_stacks = 0;
  std::uint64_t sampled_ns = 0;    ///< samples times what each stands for
  std::uint64_t scheduled_ns = 0;  ///< CPU time of the threads by the scheduler's account
  SymbolShare heaviest_leaf;       ///< the innermost frame of most samples, and its part of all
  double classified = 0;           ///< share of samples that a rule matched (0 to 1)
  std::vector<RoleTable> roles;    ///< by weight, largest first
  std::vector<GroupTotal> groups;
};

/// Operations of one kind of one arm, over its timing rounds.
struct OperationSummary {
  std::string kind;
  std::uint64_t count = 0;
  std::uint64_t errors = 0;
  double per_second = 0;
  double bytes_per_second = 0;
  LatencySummary service;
  std::optional<LatencySummary> response;  ///< from the intended start; where clients keep a pace
};

/// A counter of the daemon, per operation.
struct CounterSummary {
  std::string name;
  std::string unit;
  std::uint64_t total = 0;
  double per_operation = 0;
};

/// A thread role by the scheduler's account, per operation, over the timing rounds.
struct RoleUsage {
  std::string role;
  double cpu_ns = 0;
  double runnable_ns = 0;
  double voluntary_switches = 0;
  double involuntary_switches = 0;
};

/// What one arm did and cost, over its timing rounds (or its profiling rounds, where it has no
/// others).
struct ArmSummary {
  Arm arm;
  std::size_t timing_rounds = 0;
  std::size_t profiling_rounds = 0;
  std::vector<std::string> void_rounds;  ///< each with its reason
  bool from_profiling_rounds =
      false;  ///< there were no timing rounds: figures include the sampler's cost
  std::uint64_t operations = 0;  ///< 0: not counted, all that is per operation is unavailable
  std::uint64_t elapsed_ns = 0;
  double operations_per_second = 0;
  double cpu_ns = 0;            ///< of the observed process, per operation
  double client_cpu_ns = 0;     ///< per operation
  double collector_cpu_ns = 0;  ///< per operation, in the profiling rounds
  double switches = 0;          ///< context switches of the observed process per operation
  std::optional<double> copied_per_byte;  ///< bytes copied per byte written by clients
  std::vector<OperationSummary> kinds;    ///< by count, largest first
  ClientsSummary clients;
  std::vector<RoleUsage> roles;
  std::vector<CounterSummary> counters;
  std::vector<ObserverCost> observing;
  std::vector<EventSummary> events;
  /// Per second, of a program that is not ours: nobody counts its operations.
  std::vector<RoleUsage> per_second;
  std::optional<ProfileTables> profile;
  std::optional<WaitTables> waits;
};

enum class Verdict { kImproved, kRegressed, kEquivalent, kUndecided, kVoid };

/// A metric in both arms, paired by block.
struct MetricComparison {
  std::string id;
  std::string title;
  std::string unit;
  bool lower_is_better = true;
  bool decides = false;  ///< the one that gives the comparison its verdict
  std::size_t pairs = 0;
  double before = 0;  ///< median of the rounds
  double after = 0;
  double ratio = 1;                                 ///< median of the pairs' ratios, after / before
  std::optional<MedianInterval> interval;           ///< of the ratio
  std::optional<double> minimum_detectable_effect;  ///< as a relative change; where undecided
  Verdict verdict = Verdict::kUndecided;
  std::string note;
};

/// One futex word, or all of them (`word` empty), in both arms.
struct WordComparison {
  std::string word;
  MetricComparison waits;    ///< per operation
  MetricComparison wakes;    ///< per operation
  MetricComparison wait_ns;  ///< per operation
};

/// `kShareMoved`: operations were not counted, so that only the share can be judged.
enum class CellVerdict {
  kBetter,
  kWorse,
  kRenormalised,
  kShareMoved,
  kNotSignificant,
  kNew,
  kGone
};

/// A category of a thread role (or a group of categories over all threads) in both arms. A share
/// moves when anything else does; only the cost tells whether the category itself changed.
struct CategoryChange {
  std::string role;  ///< empty: all threads
  std::string id;    ///< of the category or group
  std::string title;
  CpuTime before;  ///< as in the arm's own tables; empty where it was not seen
  CpuTime after;
  Estimate share_difference;    ///< times 100: percentage points
  Estimate cost_difference_ns;  ///< per operation
  bool thin = false;
  CellVerdict verdict = CellVerdict::kNotSignificant;
};

/// A category of a thread role in a pair of bursts; shares are of each burst's whole (0 to 1).
struct BurstCell {
  std::string role;
  std::string id;
  std::string title;
  double share_before = 0;
  double share_after = 0;
};

/// The same burst of two recordings.
struct BurstPair {
  std::uint32_t burst = 0;  ///< from 0
  std::uint64_t samples_before = 0, samples_after = 0;
  std::uint64_t elapsed_before_ns = 0, elapsed_after_ns = 0;
  std::vector<BurstCell> cells;  ///< the same in every pair
};

/// What one layer costs: from the same scenario on several targets.
struct LayerCost {
  std::string layer;       ///< "generator", "file system", "FUSE"
  std::string made_from;   ///< which rounds, and which were taken off
  Estimate cpu_ns;         ///< of all processes together, per operation
  std::size_t rounds = 0;  ///< or pairs of them
};

/// The layers under one variant that ran in process and elsewhere.
struct LayerReport {
  std::string variant;  ///< canonical text
  std::vector<LayerCost> layers;
  std::string work;  ///< whether all targets ended with the same files and results
};

/// Whether the counts of a run in lockstep repeated, arm by arm.
struct LockstepReport {
  std::size_t rounds = 0;
  std::size_t counts = 0;  ///< compared in each round
  std::vector<std::string>
      differences;  ///< the first of each round that differs from its arm's first
};

/// Arm 0 against another one.
struct Comparison {
  std::size_t before = 0;  ///< indices into Report::arms
  std::size_t after = 0;
  std::vector<std::string> compared;      ///< which facts were found equal
  std::vector<std::string> void_reasons;  ///< empty unless the comparison is void
  std::string uncompared;                 ///< facts that could not be compared, empty if none
  Verdict verdict = Verdict::kUndecided;
  std::vector<MetricComparison> metrics;
  std::vector<CategoryChange> changes;  ///< groups first, then by cost
  std::vector<WordComparison> waits;    ///< all words first; empty where nothing was traced
  bool changes_judged = false;          ///< there were profiling rounds enough for verdicts
  std::vector<BurstPair> bursts;        ///< of recordings, where both have more than one
  std::vector<std::string> explanation;
};

/// An arm beside the null handler on the same transport, under the same mount options.
struct ArmFloor {
  std::size_t arm = 0;                   ///< index into Report::arms
  std::string null_handler;              ///< canonical text
  std::vector<std::string> void_rounds;  ///< of the null handler, each with its reason
  /// Of pairs of rounds: `before` is the null handler, `after` the arm. There is no verdict.
  std::vector<MetricComparison> metrics;
  Estimate cpu_above_ns;  ///< CPU time per operation beyond the null handler's, median of the pairs
};

/// A primitive of the machine: median of its repeats, with an exact interval.
struct MachineFloorSummary {
  std::string name;
  std::string title;
  std::string unit;
  Estimate value;
  std::size_t repeats = 0;
  std::string conditions;
  std::string unavailable;  ///< why there is no value; empty if there is one
};

/// What the results stand beside.
struct FloorReport {
  std::string absent;  ///< why there is no null handler; empty if there is one
  std::vector<ArmFloor> arms;
  std::vector<MachineFloorSummary> machine;
};

/// A row of the analysis document, looked for in an arm's tables.
struct DocumentRow {
  std::string role;
  std::string title;
  double document_percent = 0;
  CpuTime time;        ///< the sum of its categories
  std::string absent;  ///< why nothing was found; empty if something was
};

struct Report {
  std::string command;
  std::string started;
  Environment environment;
  ScenarioInfo scenario;
  std::string target;
  std::string placement;
  std::uint64_t seed = 0;
  double equivalence_margin = 0;
  bool partial = false;
  std::string key_finding;
  WarmUp warm_up;
  std::vector<FirstDifference> differences;
  std::vector<ArmSummary> arms;
  std::vector<Comparison> comparisons;
  FloorReport floors;
  std::vector<LayerReport> layers;              ///< empty where all ran on one target
  std::optional<LockstepReport> lockstep;       ///< of a run in lockstep
  std::vector<std::string> explanation;         ///< of a single arm
  double threshold = kDefaultThreshold;         ///< of the opportunities
  std::vector<ArmOpportunities> opportunities;  ///< one for each arm
  std::string document_arm;  ///< the arm that `document_rows` are of; empty if none
  std::vector<DocumentRow> document_rows;
  std::vector<Capability> capabilities;
  std::vector<std::string> warnings;
};

/// What a reader may ask for.
struct ReportOptions {
  double threshold = kDefaultThreshold;  ///< opportunities: the least impact that is listed
};

/// Derives the whole report. Pure: equal inputs give equal reports (resampling is seeded by the
/// result's seed).
Report build_report(const RunResult& result, const RuleSet& rules,
                    const ReportOptions& options = {});

/// "improved", "better", as they are printed and saved.
std::string to_string(Verdict verdict);
std::string to_string(CellVerdict verdict);

}  // namespace vfsprof::reports
