#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "harness/scenario/client_plan.h"
#include "harness/scenario/operation.h"
#include "harness/scenario/random.h"
#include "harness/scenario/scenario.h"
#include "harness/scenario/step_stream.h"

namespace vfsprof::harness {

// A job in fio's words.

/// What a client does before the measured phase: creates, opens and prefills its files. Prefill
/// writes take whole blocks, as many as fit into `kPrefillBytes` (at least one).
inline constexpr std::uint64_t kPrefillBytes = 1 << 20;
std::vector<Operation> setup_operations(const Job& job);

/// What a client does after the measured phase: closes what is still open.
std::vector<Operation> closing_operations(const Job& job);

/// Whose operations: the same job, client and seed give the same.
struct ClientIdentity {
  std::uint64_t seed = 1;
  unsigned client = 0;  ///< number over all jobs
};

/// The operations of one client's measured phase, one after the other. Pure. Allocates nothing.
class PatternStream {
 public:
  PatternStream(const Job& job, ClientIdentity identity);

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

// Any job.

/// The operations of one client of any job, one after the other, in three parts. Pure.
/// Errors: BadInput where a step finds nothing to work on.
class OperationStream {
 public:
  using Identity = ClientIdentity;

  /// Of a job in fio's words; it must outlive the stream.
  OperationStream(const Job& job, Identity identity)
      : source_(std::in_place_type<Pattern>, job, identity) {}
  /// Of any job; the plan must outlive the stream.
  explicit OperationStream(const ClientPlan& plan);

  /// What steps or a list do before the measured phase, once the files that are to exist do; all
  /// of it before the first `next`.
  bool next_of_setup(Operation& out);
  /// The measured phase. Returns false at the end.
  bool next(Operation& out) {
    if (auto* steps = std::get_if<StepStream>(&source_)) return steps->next(out);
    if (auto* pattern = std::get_if<Pattern>(&source_)) return pattern->stream.next(out);
    return std::get<List>(source_).next(out);
  }
  /// What closes the files that are still open.
  bool next_of_closing(Operation& out);

 private:
  struct Pattern {
    Pattern(const Job& job_, Identity identity) : job(job_), stream(job_, identity) {}
    const Job& job;
    PatternStream stream;
    std::size_t closed = 0;
  };
  struct List {
    explicit List(const OperationList& list_);
    bool next(Operation& out);
    void note(const Operation& operation);

    const OperationList& list;
    std::size_t set_up = 0;
    std::size_t done = 0;
    std::vector<bool> open;
  };

  std::variant<Pattern, StepStream, List> source_;
};

}  // namespace vfsprof::harness
