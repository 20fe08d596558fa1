#pragma once

#include <sys/eventfd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "harness/inproc/file_system.h"
#include "harness/scenario/client.h"
#include "harness/scenario/client_plan.h"
#include "harness/scenario/client_protocol.h"
#include "harness/scenario/client_worker.h"
#include "harness/scenario/generator_cost.h"
#include "vfs/base/unique_fd.h"

namespace vfsprof::harness {

/// All clients of the process, which go through their phases together.
///
/// Threads: the main thread starts each phase and waits for its end; each client has a thread.
/// Memory order: a phase starts with a release store to `phase_`, and ends with the last decrement
/// of `running_` (acquire-release), so each side sees what the other did before.
class Crew {
 public:
  explicit Crew(const Assignment& assignment);
  /// No phase may be running.
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  /// Phases of the set-up, before the measured one; after it comes one that closes.
  static constexpr int kSetupPhases = 3;

  /// Starts the threads, which then wait for their first phase.
  void start();
  /// Lets the clients do their next phase (Phase). Returns false if
  /// clients hang in a system call even after the cap has fired; then only `failure` may be asked,
  /// and the process must end.
  bool run_phase();
  std::string failure() const { return control_.failure(); }
  ClientResult result() const;
  /// Of the file system in this process, which must be there.
  std::string hash_tree(std::vector<TreeEntry>& entries);
  /// Writes back what the file system in this process holds, if there is one. Returns what went
  /// wrong, or an empty text.
  std::string write_back();

 private:
  enum class Wait { kDone, kTimeout };
  enum Phase { kMakeDirectories = 1, kCreateFiles, kSetUp, kMeasured, kClose };
  static constexpr int kLeave = -1;

  void run_client(std::size_t client);
  void do_phase(std::size_t client, int phase);
  void do_phase_in_line(std::size_t client, int phase);
  void make_directories();
  void settle();
  void calibrate();
  void add_clients(ClientResult& result) const;
  void announce(int phase);
  Wait wait_for_end(std::chrono::milliseconds limit);

  const Assignment& assignment_;
  const Scenario& scenario_;
  std::vector<ClientPlan> plans_;
  std::map<const Job*, GeneratorCost> generator_;  ///< written in the first phase
  UniqueFd done_{::eventfd(0, EFD_CLOEXEC)};       ///< readable once all clients ended the phase
  RunControl control_;
  std::unique_ptr<InProcessFileSystem> in_process_;  ///< outlives the workers; often none
  std::unique_ptr<ReplayTurns> turns_;               ///< of a recording
  std::vector<std::unique_ptr<ClientWorker>> workers_;
  std::atomic<int> phase_ = 0;  ///< number of the latest phase that was started, or kLeave
  std::atomic<std::size_t> running_ = 0;
  std::atomic<std::size_t> in_line_ = 0;  ///< in lockstep: which client's set-up is due
  std::atomic<int> priority_error_ = 0;   ///< errno with which a client's priority was refused
  std::uint64_t cpu_ns_ = 0;              ///< of the latest phase
  std::vector<std::thread> threads_;
};

}  // namespace vfsprof::harness
