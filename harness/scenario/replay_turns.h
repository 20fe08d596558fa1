#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "harness/scenario/client_plan.h"
#include "harness/scenario/operation_list.h"
#include "harness/scenario/run_control.h"
#include "vfs/base/unique_fd.h"

namespace vfsprof::harness {

/// What the clients of a recording share while it is replayed: their open files, how far each of
/// them is, and which results differ from the recorded ones.
///
/// Threads: safe; each client calls `begin` and `end` in turns on its own thread. An open file is
/// used by whose turn it is.
/// Memory order: `end` stores how far the client is (release), `begin` loads it (acquire), so
/// whoever waited sees what the other did before.
class ReplayTurns {
 public:
  /// The plans must outlive the object.
  ReplayTurns(const std::vector<ClientPlan>& plans, const RunControl& control);

  std::vector<UniqueFd>& files() { return files_; }

  /// Waits until the next operation of the client may start; returns its turn, or null where the
  /// run is stopping.
  const Turn* begin(unsigned client);
  void end(unsigned client);

  /// A result is not the recorded one.
  void note_difference(std::uint64_t line, const std::string& text);
  /// How many results differ, and the first of them; empty if none does.
  std::string differences() const;

 private:
  struct alignas(64) Client {
    const OperationList* list = nullptr;
    std::uint32_t turn = 0;               ///< of the owner alone
    std::atomic<std::uint32_t> done = 0;  ///< operations
    std::atomic<std::uint32_t> waiting = 0;
  };

  bool wait_until(Client& other, std::uint32_t count) const;

  const RunControl& control_;
  std::vector<UniqueFd> files_{kMaxListedFiles};
  std::vector<Client> clients_;
  mutable std::mutex mutex_;  ///< guards what follows
  std::uint64_t count_ = 0;
  std::vector<std::pair<std::uint64_t, std::string>> first_;  ///< by line
};

}  // namespace vfsprof::harness
