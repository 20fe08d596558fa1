#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "harness/scenario/json_reader.h"
#include "harness/scenario/operation.h"

// Included by parsers and by the client, as json_reader.h.

namespace vfsprof::harness {

// What a recording may say.
inline constexpr std::uint64_t kMostListedBytes = 1ULL << 40;            ///< offsets and sizes
inline constexpr std::uint64_t kMostListedNs = kMostListedBytes * 1000;  ///< at_ns: twelve days

/// What a replay waits for: that so many operations of another client are done.
struct Wait {
  std::uint32_t client = 0;
  std::uint32_t count = 0;
};

/// The place of an operation among those of all clients of a recording.
struct Turn {
  std::uint64_t line = 0;    ///< of the recording
  std::int64_t change = 0;   ///< bytes that it adds to what all files hold
  std::size_t wait_end = 0;  ///< its waits are those from the end of the turn before on
  bool awaited = false;      ///< somebody waits for it
};

/// A client's operations one by one, as a recording has them.
struct OperationList {
  std::vector<std::string> names;  ///< paths, targets of symbolic links, names of attributes
  std::vector<Operation> setup;    ///< before the measured phase
  std::vector<Operation> operations;

  // Only of a recording, whose clients share their names and open files.
  std::vector<Turn> turns;        ///< of each operation
  std::vector<Wait> waits;        ///< of all turns
  std::vector<bool> open_at_end;  ///< files that this client closes after the measured phase
};

/// Files that a list can have open at a time.
inline constexpr std::uint32_t kMaxListedFiles = 1000;

/// Reads the operations of one list. Errors: BadInput, also for a path that leads out of the
/// clients' directory.
class OperationReader {
 public:
  /// Numbers names in `names`, which holds none yet.
  explicit OperationReader(std::vector<std::string>& names) : names_(names) {}

  Operation read(const JsonNode& node);
  /// A path on its own; "." is the clients' directory itself, where that is allowed.
  std::uint32_t read_path(const JsonNode& node, bool allow_top = false);
  /// The text of the symbolic link `link`.
  std::uint32_t read_target(const JsonNode& node, std::uint32_t link);

 private:
  void read_names(const JsonNode& node, Operation& operation);
  std::uint32_t number_of(const std::string& name);

  std::vector<std::string>& names_;
  std::unordered_map<std::string, std::uint32_t> numbers_;
};

/// Reads the arrays `setup` (may be absent) and `operations` of a job. Throws BadInput.
OperationList read_operation_list(const JsonNode& job);

}  // namespace vfsprof::harness
