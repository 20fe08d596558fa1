#pragma once

#include <optional>
#include <string>

#include "harness/scenario/scenario.h"

namespace vfsprof::harness {

// What a scenario may ask for at most. A scenario is meant to finish: these are bounds against
// slips of the pen.
inline constexpr unsigned kMaxClients = 256;  ///< of all jobs together
inline constexpr unsigned kMaxFiles = 900;    ///< of all clients, below the usual 1024 descriptors
inline constexpr std::uint64_t kMaxStoredBytes = 4ULL << 30;  ///< of all files together
inline constexpr std::uint64_t kMaxDiskBudget = 1ULL << 40;
inline constexpr std::uint64_t kMaxMovedBytes =
    256ULL << 30;  ///< read and written by all clients together
inline constexpr std::uint64_t kMaxOperations = 100'000'000;  ///< of all clients together

/// What is wrong with a scenario although every value by itself is allowed.
struct Contradiction {
  std::string pointer;  ///< JSON pointer of the key to change
  std::string text;
};

/// The first contradiction between keys, or excess over the bounds above.
std::optional<Contradiction> find_contradiction(const Scenario& scenario);

}  // namespace vfsprof::harness
