#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "harness/scenario/random.h"
#include "harness/scenario/scenario.h"

namespace vfsprof::harness {

/// What a client does next: one system call, or a pause.
enum class OperationKind : std::uint8_t {
  kCreate,
  kOpen,
  kRead,
  kWrite,
  kFsync,
  kClose,
  kUnlink,
  kPause
};

/// Names as reports show them, by kind.
inline constexpr std::array<std::string_view, 8> kOperationNames{
    "create", "open", "read", "write", "fsync", "close", "unlink", "pause"};

struct Operation {
  OperationKind kind = OperationKind::kPause;
  std::uint32_t file = 0;    ///< of the client's own files
  std::uint64_t offset = 0;  ///< bytes
  std::uint64_t size = 0;    ///< bytes
  std::uint64_t sequence =
      0;  ///< of a write: how many this client has made with it; 0 for the prefill
  friend bool operator==(const Operation&, const Operation&) = default;
};

/// What a client does before the measured phase: creates, opens and prefills its files. Prefill
/// writes take whole blocks, as many as fit into `kPrefillBytes` (at least one).
inline constexpr std::uint64_t kPrefillBytes = 1 << 20;
std::vector<Operation> setup_operations(const Job& job);

/// What a client does after the measured phase: closes what is still open.
std::vector<Operation> closing_operations(const Job& job);

/// The operations of one client's measured phase, one after the other. Pure: the same job, client
/// and seed give the same operations. Allocates nothing.
class OperationStream {
 public:
  struct Identity {
    std::uint64_t seed = 1;
    unsigned client = 0;  ///< number over all jobs
  };

  OperationStream(const Job& job, Identity identity);

  /// Returns false at the end.
  bool next(Operation& out);

 private:
  /// What a loop consists of, in this order.
  enum class Step { kUnlink, kOpen, kIo, kReadBack, kSyncAndClose, kPause, kEnd };

  bool step_done() const;
  Operation make();
  Operation make_io();
  Operation make_sync_or_close();
  void advance();

  const Job& job_;
  const std::uint64_t blocks_per_file_;
  const bool opens_each_loop_;
  Random random_;
  Step step_ = Step::kUnlink;
  unsigned loop_ = 0;
  std::uint64_t index_ = 0;         ///< within the step
  std::uint64_t writes_ = 0;        ///< of this client so far
  std::uint32_t file_to_sync_ = 0;  ///< where a periodic fsync is due
  bool sync_due_ = false;
  std::vector<std::uint64_t> writes_since_sync_;  ///< by file
};

}  // namespace vfsprof::harness
