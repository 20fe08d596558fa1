#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "harness/scenario/operation.h"
#include "harness/scenario/scenario.h"

namespace vfsprof::harness {

/// What of a set is one client's.
struct SetShare {
  std::uint32_t rank = 0;        ///< among the clients that use the set
  std::uint32_t clients = 1;     ///< that use it
  std::uint32_t first_name = 0;  ///< of entry 0, in the table of names
  bool used = false;

  /// Entries that the client may use; and the number in the set of its i-th.
  std::uint64_t count(const FileSet& set) const {
    return set.shared ? set.nrfiles : (set.nrfiles + clients - 1 - rank) / clients;
  }
  std::uint64_t entry(const FileSet& set, std::uint64_t i) const {
    return set.shared ? i : i * clients + rank;
  }
};

/// One client of a scenario: whom it belongs to, and which names it knows. Immutable.
struct ClientPlan {
  const Scenario* scenario = nullptr;
  const Job* job = nullptr;
  unsigned client = 0;  ///< number over all jobs
  unsigned rank = 0;    ///< number within its job
  std::uint64_t seed = 1;
  std::vector<SetShare> shares = {};                           ///< by set
  std::shared_ptr<const std::vector<std::string>> names = {};  ///< that `Operation::file` counts in
  std::uint32_t first_text = 0;  ///< of Scenario::texts, among `names`
};

/// Number under which set-up opens files of sets, beyond those of steps.
inline constexpr std::uint32_t kSetupFd = 64;

/// Plans for all clients, in their order. The scenario must outlive them.
std::vector<ClientPlan> plan_clients(const Scenario& scenario, std::uint64_t seed);

/// Directories that must be there before any client starts, parents first. `store_is_filled`: those
/// of files in the object store are.
std::vector<std::string> initial_directories(const Scenario& scenario, bool store_is_filled);

/// What the client does in set-up: creates and fills those files with contents from `source` that
/// exist at the start.
std::vector<Operation> setup_operations(const ClientPlan& plan, ContentSource source);

}  // namespace vfsprof::harness
