#include "harness/scenario/client_worker.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "harness/error.h"
#include "harness/inproc/in_process_calls.h"
#include "harness/scenario/block_data.h"
#include "harness/scenario/file_operations.h"
#include "harness/scenario/hash.h"
#include "harness/scenario/issue_priority.h"
#include "harness/scenario/operation_list.h"
#include "harness/scenario/operations.h"
#include "harness/scenario/tree_model.h"
#include "vfs/base/check.h"
#include "vfs/base/result.h"

namespace vfsprof::harness {
namespace {

/// What goes into the hash of results.
struct HashedResult {
  std::uint32_t kind;
  std::uint32_t file;
  std::uint64_t offset;
  std::uint64_t size;
  std::int64_t result;
};
static_assert(sizeof(HashedResult) == 32, "padding would be hashed");

bool has_barrier(const Job& job) {
  const auto waits = [](const Instruction& step) { return step.code == StepCode::kBarrier; };
  const auto listed = [](const Operation& operation) {
    return operation.kind == OperationKind::kBarrier;
  };
  return std::ranges::any_of(job.program.loop, waits) ||
         (job.operations && std::ranges::any_of(job.operations->operations, listed));
}

unsigned barrier_of(const ClientPlan& plan) {
  return static_cast<unsigned>(plan.job - plan.scenario->jobs.data());
}

/// Bytes that the job's largest read or write moves.
std::size_t largest_transfer(const Job& job) {
  if (job.form == JobForm::kPattern) return std::max(job.bs, job.prefill ? kPrefillBytes : 0);
  std::uint64_t largest = kPrefillBytes;
  for (const auto* program : {&job.program.setup, &job.program.loop}) {
    for (const Instruction& step : *program) {
      if (step.bs) largest = std::max(largest, step.bs->largest());
    }
  }
  for (std::size_t i = 0; job.operations && i < job.operations->operations.size(); ++i) {
    const Operation& operation = job.operations->operations[i];
    if (moves_data(operation.kind)) largest = std::max(largest, operation.size);
  }
  return largest;
}

std::size_t fds_of(const Job& job) {
  if (job.form == JobForm::kPattern) return job.nrfiles;
  return job.form == JobForm::kSteps ? kSetupFd + 1 : kMaxListedFiles;
}

/// Whether a success may be another one where nothing that was written is kept.
bool depends_on_contents(const Operation& operation) {
  const bool may_succeed = operation.expected == kInFull || operation.expected >= 0;
  return may_succeed &&
         (operation.kind == OperationKind::kRead || operation.kind == OperationKind::kStat);
}

std::string describe_result(std::int64_t result) {
  return result < 0 ? describe(Errno{static_cast<int>(-result)}) : std::to_string(result);
}

template <class Files>
class Worker final : public ClientWorker {
 public:
  explicit Worker(const Options& options);

  void create_files() override {
    if (store_is_filled_) {
      for (const Operation& operation : setup_operations(plan_, ContentSource::kStore)) {
        model_.apply(operation);
      }
    } else {
      create_stored_files();
    }
    run_all(setup_operations(plan_, ContentSource::kClients));
  }
  void create_stored_files() override { run_all(setup_operations(plan_, ContentSource::kStore)); }
  void run_setup() override {
    for (Operation operation; stream_.next_of_setup(operation) && run_untimed(operation);) {
    }
  }
  void run_measured() override;
  void close_files() override {
    for (Operation operation; stream_.next_of_closing(operation) && run_untimed(operation);) {
    }
  }
  const ClientRecord& record() const override { return record_; }

 private:
  void run_all(const std::vector<Operation>& operations) {
    for (const Operation& operation : operations) {
      if (!run_untimed(operation)) return;
    }
  }
  bool run_untimed(const Operation& operation);
  void run_timed(const Operation& operation);
  bool wait(const Operation& operation);
  std::uint64_t keep_pace(const Operation& operation);
  const std::byte* prepare(const Operation& operation);
  bool reserve(const Operation& operation, std::int64_t change);
  bool accept(const Operation& operation, std::int64_t result);
  void note_result(const Operation& operation, std::int64_t result);
  void keep_result(const Operation& operation, std::int64_t result);
  std::string describe_place(const Operation& operation) const;

  const ClientPlan& plan_;
  const Job& job_;
  RunControl& control_;
  ReplayTurns* const turns_;
  const Turn* turn_ = nullptr;  ///< of the operation that is being replayed
  const bool store_is_filled_;
  const bool keeps_contents_;
  const bool timed_;
  const std::uint64_t most_operations_;
  const WatchedOperations watch_;
  const bool paced_;
  PreciseSleep sleep_;
  BlockData data_;
  TreeModel model_;
  OperationStream stream_;
  std::vector<std::byte> buffer_;  ///< for reads
  Files files_;
  ClientRecord record_;
};

template <class Files>
Worker<Files>::Worker(const Options& options)
    : plan_(options.plan),
      job_(*options.plan.job),
      control_(options.control),
      turns_(options.turns),
      store_is_filled_(options.store_is_filled),
      keeps_contents_(options.keeps_contents),
      timed_(options.timed),
      most_operations_(options.most_operations),
      watch_(options.watch),
      paced_(keeps_pace(job_) && options.most_operations == UINT64_MAX),
      sleep_(options.shares_cpu),
      data_({.seed = plan_.seed, .client = plan_.client, .block_bytes = largest_transfer(job_)}),
      model_({.names = plan_.names->size(), .fds = fds_of(job_), .contents = job_.verify}),
      stream_(plan_),
      buffer_(std::max<std::size_t>(largest_transfer(job_), 65536)),
      files_({.directory = options.directory,
              .names = *plan_.names,
              .fds = fds_of(job_),
              .in_process = options.in_process,
              .shared_files = options.turns == nullptr ? nullptr : &options.turns->files(),
              .guarded = options.guarded}) {
  for (std::size_t i = 0; i < plan_.shares.size(); ++i) {
    const FileSet& set = plan_.scenario->filesets[i];
    const SetShare& share = plan_.shares[i];
    const bool others_make = set.shared && share.rank > 0;
    if (!share.used || set.type != EntryType::kFile || !others_make) continue;
    for (std::uint64_t k = 0; k < share.count(set); ++k) {
      const std::uint64_t entry = share.entry(set, k);
      if (!exists_at_start(set, entry)) continue;
      model_.add_existing(share.first_name + static_cast<std::uint32_t>(entry),
                          size_of_entry(set, entry));
    }
  }
}

template <class Files>
void Worker<Files>::run_measured() {
  control_.wait_for_phase(job_.phase);
  record_.started_ns = now_ns();
  record_.slices.start(control_.origin_ns() != 0 ? control_.origin_ns() : record_.started_ns);
  try {
    Operation operation;
    while (!control_.stopping() && record_.operations() < most_operations_ &&
           stream_.next(operation)) {
      const RunControl::Turn turn(control_, plan_.client);
      if (turns_ != nullptr && (turn_ = turns_->begin(plan_.client)) == nullptr) break;
      if (operation.kind == OperationKind::kPause || operation.kind == OperationKind::kBarrier) {
        wait(operation);
      } else {
        run_timed(operation);
      }
      if (turns_ != nullptr) turns_->end(plan_.client);
    }
    turn_ = nullptr;
  } catch (const BadInput& error) {
    control_.fail(error.what());
  }
  record_.ended_ns = now_ns();
  const RunControl::Turn turn(control_, plan_.client);
  if (has_barrier(job_)) control_.leave_barrier(barrier_of(plan_));
  control_.leave_phase(job_.phase, plan_.client);
}

template <class Files>
bool Worker<Files>::wait(const Operation& operation) {
  if (most_operations_ != UINT64_MAX) return true;
  if (operation.kind == OperationKind::kBarrier) {
    control_.wait_at_barrier(barrier_of(plan_), plan_.client);
  } else if (!control_.in_lockstep()) {
    control_.pause(std::chrono::nanoseconds(operation.size));
  }
  return true;
}

/// Waits until the operation is due. Returns when that was; 0 where the job keeps no pace.
template <class Files>
std::uint64_t Worker<Files>::keep_pace(const Operation& operation) {
  if (!paced_ || control_.in_lockstep()) return 0;
  const auto due = [&]() -> std::uint64_t {
    if (job_.recorded_pace) return control_.origin_ns() + operation.at_ns;
    // From the start each time, so that no error adds up.
    return record_.started_ns + record_.operations() * 1'000'000'000 / job_.rate_iops;
  };
  const std::uint64_t due_ns = due();
  sleep_.until(due_ns, control_);
  return due_ns;
}

template <class Files>
void Worker<Files>::run_timed(const Operation& operation) {
  const std::int64_t change = turn_ == nullptr ? model_.change(operation) : turn_->change;
  if (change > 0 && !reserve(operation, change)) return;
  const std::byte* const data = prepare(operation);
  const std::uint64_t due_ns = keep_pace(operation);
  const std::uint64_t before_ns = timed_ ? now_ns() : 0;
  const std::int64_t result = files_.execute(operation, data, buffer_);
  const std::uint64_t after_ns = timed_ ? now_ns() : 0;
  KindStats& stats = record_.kinds[static_cast<std::size_t>(operation.kind)];
  ++stats.count;
  if (timed_) {
    stats.service_time_ns.record(after_ns - before_ns);
    const std::uint64_t late_ns = due_ns == 0 ? 0 : before_ns - std::min(before_ns, due_ns);
    record_.slices.add(after_ns, late_ns);
    if (due_ns != 0) {
      stats.response_time_ns.record(after_ns - std::min(after_ns, due_ns));
      record_.late_ns.record(late_ns);
      ++record_.paced_operations;
    }
  }
  if (result < 0) ++stats.errors;
  if (result > 0 && moves_data(operation.kind)) stats.bytes += static_cast<std::uint64_t>(result);
  note_result(operation, result);
  if (!accept(operation, result)) return;
  if (result >= 0 && turn_ == nullptr) model_.apply(operation);
  if (change < 0 && result >= 0) control_.release(-change);
}

template <class Files>
void Worker<Files>::note_result(const Operation& operation, std::int64_t result) {
  const HashedResult hashed{static_cast<std::uint32_t>(operation.kind), operation.file,
                            operation.offset, operation.size, result};
  std::uint64_t hash = XXH3_64bits_withSeed(&hashed, sizeof hashed, record_.results.hash());
  // What a read returned is its result too.
  if (operation.kind == OperationKind::kRead && result > 0) {
    hash = sampled_hash(std::span(buffer_).first(static_cast<std::size_t>(result)), hash);
  }
  record_.results.add(hash);
  const std::uint64_t number = record_.results.operations();
  if (number >= watch_.first && number <= watch_.last) keep_result(operation, result);
}

template <class Files>
void Worker<Files>::keep_result(const Operation& operation, std::int64_t result) {
  KeptResult kept{.operation = record_.results.operations(),
                  .text = describe_place(operation),
                  .result = describe_result(result)};
  if (moves_data(operation.kind)) kept.text += fmt::format(", {} bytes", operation.size);
  if (operation.kind == OperationKind::kRead && result > 0) {
    kept.result += fmt::format(", contents {:016x}",
                               XXH3_64bits(buffer_.data(), static_cast<std::size_t>(result)));
  }
  record_.kept.push_back(std::move(kept));
}

template <class Files>
bool Worker<Files>::run_untimed(const Operation& operation) {
  if (control_.stopping()) return false;
  const std::int64_t change = model_.change(operation);
  if (change > 0 && !reserve(operation, change)) return false;
  const std::int64_t result = files_.execute(operation, prepare(operation), buffer_);
  control_.settle();
  if (!accept(operation, result)) return false;
  if (result >= 0) model_.apply(operation);
  if (change < 0) control_.release(-change);
  return true;
}

template <class Files>
const std::byte* Worker<Files>::prepare(const Operation& operation) {
  if (operation.kind != OperationKind::kWrite && operation.kind != OperationKind::kSetxattr)
    return nullptr;
  return data_
      .block({.file = operation.file, .offset = operation.offset, .sequence = operation.sequence})
      .data();
}

template <class Files>
bool Worker<Files>::reserve(const Operation& operation, std::int64_t change) {
  if (control_.reserve(change)) return true;
  control_.fail(fmt::format("{} would exceed the disk_budget of {} bytes",
                            describe_place(operation), plan_.scenario->disk_budget));
  return false;
}

template <class Files>
std::string Worker<Files>::describe_place(const Operation& operation) const {
  const std::string place =
      moves_data(operation.kind) ? fmt::format(" at offset {}", operation.offset) : "";
  return fmt::format("{} of {}{}", kOperationNames[static_cast<std::size_t>(operation.kind)],
                     (*plan_.names)[operation.file], place);
}

/// Fails the run and returns false if the result is not the only one that is right. A replay goes
/// on, so that all results that differ from the recorded ones are counted.
template <class Files>
bool Worker<Files>::accept(const Operation& operation, std::int64_t result) {
  const bool transfer = moves_data(operation.kind);
  const bool in_full =
      operation.expected == kInFull &&
      (transfer ? result == static_cast<std::int64_t>(operation.size) : result >= 0);
  if (in_full && (!job_.verify || operation.kind != OperationKind::kRead)) return true;
  if (!keeps_contents_ && result >= 0 && depends_on_contents(operation)) return true;
  std::string problem;
  if (operation.expected != kInFull) {
    if (result != operation.expected) {
      problem = fmt::format("gave '{}' where '{}' is expected", describe_result(result),
                            describe_result(operation.expected));
    }
  } else if (result < 0) {
    problem = "failed: " + describe_result(result);
  } else if (transfer && static_cast<std::uint64_t>(result) != operation.size) {
    problem = fmt::format("was short: {} of {} bytes", result, operation.size);
  }
  if (problem.empty() && files_.keeps_data() && job_.verify &&
      operation.kind == OperationKind::kRead && result > 0) {
    problem = model_.compare(operation, std::span(buffer_).first(static_cast<std::size_t>(result)),
                             data_);
  }
  if (problem.empty()) return true;
  if (turn_ != nullptr) {
    turns_->note_difference(turn_->line, fmt::format("{} {}", describe_place(operation), problem));
    return true;
  }
  control_.fail(fmt::format("{} {}", describe_place(operation), problem));
  return false;
}

}  // namespace

std::unique_ptr<ClientWorker> make_client_worker(FilesKind kind,
                                                 const ClientWorker::Options& options) {
  if (kind == FilesKind::kNull) return std::make_unique<Worker<NullCalls>>(options);
  if (kind == FilesKind::kInProcess) return std::make_unique<Worker<InProcessCalls>>(options);
  return std::make_unique<Worker<SystemCalls>>(options);
}

void join_all(const std::vector<ClientPlan>& plans, RunControl& control) {
  for (const ClientPlan& plan : plans) {
    control.join_phase(plan.job->phase);
    if (has_barrier(*plan.job)) control.join_barrier(barrier_of(plan));
  }
}

}  // namespace vfsprof::harness
