#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/scenario/json_reader.h"
#include "harness/scenario/operation.h"

// Included by parsers and by the client, as json_reader.h.

namespace vfsprof::harness {

/// A client's operations one by one, as a recording has them.
struct OperationList {
  std::vector<std::string> names;  ///< paths, targets of symbolic links, names of attributes
  std::vector<Operation> setup;    ///< before the measured phase
  std::vector<Operation> operations;
};

/// Files that a list can have open at a time.
inline constexpr std::uint32_t kMaxListedFiles = 1000;

/// Reads the arrays `setup` (may be absent) and `operations` of a job. Throws BadInput: also for a
/// path that leads out of the clients' directory.
OperationList read_operation_list(const JsonNode& job);

/// A recording, JSON lines, as the document of a scenario: the first line has the scenario's keys
/// without `jobs`; each further line is an operation with the number of its `client`, which becomes
/// a job of its own. Throws BadInput with the line.
std::string document_of_recording(std::string_view text, const std::string& origin);

}  // namespace vfsprof::harness
