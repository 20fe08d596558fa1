#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/inproc/setup.h"
#include "harness/scenario/issue_priority.h"
#include "harness/scenario/result_trace.h"
#include "harness/scenario/scenario.h"
#include "harness/scenario/tree_hash.h"
#include "reports/model/run_result.h"
#include "vfs/base/unique_fd.h"

namespace vfsprof::harness {

/// What the clients of one round did.
struct ClientResult {
  std::uint64_t elapsed_ns = 0;  ///< first operation to last result, pauses included
  std::uint64_t cpu_ns = 0;      ///< of the client process in the measured phase
  std::vector<reports::OperationStats> operations;
  reports::ClientRound clients;
  std::vector<ClientTrace> traces;  ///< by client
  std::vector<KeptResult> kept;     ///< of ClientOptions::watch
  std::string results_hash;         ///< over every operation and result, per client, in order
  int issue_priority_error = 0;     ///< errno with which ClientOptions::issue_priority was refused
  /// Why the round is void (an operation failed, the cap fired); empty for a good one.
  std::string failure;
};

struct ClientOptions {
  std::filesystem::path directory;  ///< where the clients work; they stay inside it
  Placement placement = Placement::kPacked;
  std::uint64_t seed = 1;
  bool store_is_filled = false;  ///< the files of the object store exist already
  /// False: what is written is not kept there (the null handler), so that it is no fault if a read
  /// returns less or a stat another size. Whether they succeed is checked all the same.
  bool keeps_contents = true;
  /// The file system runs in the clients' process, instead of below the directory.
  std::optional<InProcessSetup> in_process = std::nullopt;
  /// In lockstep: a socket on which the file system answers each byte once it has nothing left to
  /// do; -1: none does. Stays the caller's.
  int settle_fd = -1;
  WatchedOperations watch = {};                           ///< none where `first` is 0
  IssuePriority issue_priority = IssuePriority::kNormal;  ///< of clients that keep a pace
  std::filesystem::path program = {};  ///< empty: `vfsprof` beside the running program
};

/// The clients of one round: a process of its own whose threads (`client-N`) issue ordinary system
/// calls on files `cN-fM`. The destructor ends it.
///
/// Order of calls: construct (starts the process, which creates and prefills its files),
/// wait_until_ready, go, wait, finish.
/// Errors: EnvironmentError if the process cannot start, cannot set up its files, or ends
/// unexpectedly; Interrupted when a signal arrives.
/// Threads: one caller, which outlives the object (the clients die with the thread that constructed
/// it).
class ClientProcess {
 public:
  /// The scenario's own seed and placement do not count; those of `options` do.
  ClientProcess(const Scenario& scenario, const ClientOptions& options);
  ~ClientProcess();
  ClientProcess(const ClientProcess&) = delete;
  ClientProcess& operator=(const ClientProcess&) = delete;

  pid_t pid() const;

  void wait_until_ready();
  /// Starts the measured phase.
  void go();
  /// Returns when every operation is done, or the cap fired. Files that stay open in all loops
  /// still are.
  ClientResult wait();
  /// Closes what is still open, outside the measured phase.
  void close();
  /// After `close`: hash_tree (tree_hash.h) on a file system in the clients' process.
  std::string hash_tree(std::vector<TreeEntry>& entries);
  /// Ends the process; what was not closed is closed first. After a failed round it only ends it.
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The main function of the client process (`vfsprof client`, hidden): reads the scenario from
/// standard input, talks to its ClientProcess over standard input and output. Returns an exit code.
int client_main();

}  // namespace vfsprof::harness
