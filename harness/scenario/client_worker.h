#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "harness/scenario/client_plan.h"
#include "harness/scenario/operation.h"
#include "harness/scenario/replay_turns.h"
#include "harness/scenario/result_trace.h"
#include "harness/scenario/run_control.h"
#include "harness/scenario/time_slices.h"
#include "reports/model/histogram.h"

namespace vfsprof::harness {

/// Operations of one kind by one client.
struct KindStats {
  std::uint64_t count = 0;
  std::uint64_t errors = 0;
  std::uint64_t bytes = 0;
  reports::Histogram service_time_ns;
  /// From when the operation was to start; only where the job has a pace.
  reports::Histogram response_time_ns;
};

/// What one client did in the measured phase. Times by CLOCK_MONOTONIC.
struct ClientRecord {
  std::uint64_t started_ns = 0;
  std::uint64_t ended_ns = 0;
  std::uint64_t paced_operations = 0;
  std::array<KindStats, kOperationNames.size()> kinds;
  reports::Histogram late_ns;  ///< how long after its time each paced operation was issued
  ResultTrace results;
  std::vector<KeptResult> kept;  ///< of ClientWorker::Options::watch
  TimeSlices slices;             ///< from the origin on

  std::uint64_t operations() const { return results.operations(); }
};

class InProcessFileSystem;

/// Where a client's operations are carried out (file_operations.h, harness/inproc).
enum class FilesKind { kSystemCalls, kInProcess, kNull };

/// One client: issues its operations, times each and checks its result. Whatever is not as expected
/// (an error, a short count, contents that were never written) is a failure of the run.
/// Threads: not safe; each client runs on one thread.
class ClientWorker {
 public:
  struct Options {
    const ClientPlan& plan;
    int directory = -1;
    InProcessFileSystem* in_process = nullptr;  ///< of kInProcess
    RunControl& control;
    ReplayTurns* turns = nullptr;  ///< of a recording: what its clients share
    bool store_is_filled = false;  ///< files of the object store exist already
    bool keeps_contents = true;    ///< ClientOptions::keeps_contents
    bool guarded = false;          ///< FilesOptions::guarded
    bool shares_cpu = false;       ///< with the file system
    bool timed = true;             ///< false: read no clock
    WatchedOperations watch = {};  ///< of this client; none where `first` is 0
    /// Ends after as many operations and keeps no pace: to measure the generator.
    std::uint64_t most_operations = UINT64_MAX;
  };

  virtual ~ClientWorker() = default;

  /// Creates and fills the files that exist at the start, those in the object store only if they
  /// are not there already.
  virtual void create_files() = 0;
  /// Creates and fills those that belong into the object store, and no others.
  virtual void create_stored_files() = 0;
  /// What steps do before the measured phase, once everybody's files exist.
  virtual void run_setup() = 0;
  virtual void run_measured() = 0;
  virtual void close_files() = 0;
  virtual const ClientRecord& record() const = 0;
};

std::unique_ptr<ClientWorker> make_client_worker(FilesKind kind,
                                                 const ClientWorker::Options& options);

/// Threads of the scenario's barriers and phases, for the control of a run with these clients.
void join_all(const std::vector<ClientPlan>& plans, RunControl& control);

}  // namespace vfsprof::harness
