#include "harness/scenario/operations.h"

#include <algorithm>

#include "harness/scenario/operation_list.h"
#include "vfs/base/check.h"

namespace vfsprof::harness {

std::vector<Operation> setup_operations(const Job& job) {
  std::vector<Operation> operations;
  if (job.create) return operations;
  const std::uint64_t step = std::max<std::uint64_t>(1, kPrefillBytes / job.bs) * job.bs;
  for (std::uint32_t file = 0; file < job.nrfiles; ++file) {
    operations.push_back(
        {.kind = OperationKind::kCreate, .file = file, .fd = file, .argument = 0644});
    for (std::uint64_t offset = 0; job.prefill && offset < job.size; offset += step) {
      operations.push_back({.kind = OperationKind::kWrite,
                            .file = file,
                            .fd = file,
                            .offset = offset,
                            .size = std::min(step, job.size - offset)});
    }
    if (job.reopen) operations.push_back({.kind = OperationKind::kClose, .file = file, .fd = file});
  }
  return operations;
}

std::vector<Operation> closing_operations(const Job& job) {
  std::vector<Operation> operations;
  if (opens_each_loop(job)) return operations;
  for (std::uint32_t file = 0; file < job.nrfiles; ++file) {
    operations.push_back({.kind = OperationKind::kClose, .file = file, .fd = file});
  }
  return operations;
}

PatternStream::PatternStream(const Job& job, ClientIdentity identity)
    : job_(job),
      blocks_per_file_(job.size / job.bs),
      opens_each_loop_(opens_each_loop(job)),
      random_(Random::mix(identity.seed) ^ Random::mix(identity.client + 1)),
      writes_since_sync_(job.nrfiles, 0) {}

bool PatternStream::next(Operation& out) {
  if (sync_due_) {
    sync_due_ = false;
    out = {.kind = OperationKind::kFsync, .file = file_to_sync_, .fd = file_to_sync_};
    return true;
  }
  while (step_done()) {
    if (step_ == Step::kEnd) return false;
    advance();
  }
  out = make();
  out.fd = out.file;
  ++index_;
  return true;
}

/// Whether the current step of this loop has nothing more to do.
bool PatternStream::step_done() const {
  const bool last_loop = loop_ + 1 == job_.loops;
  switch (step_) {
    case Step::kUnlink:
      return !job_.create || loop_ == 0 || index_ == job_.nrfiles;
    case Step::kOpen:
      return !opens_each_loop_ || index_ == job_.nrfiles;
    case Step::kIo:
      return index_ == ios_per_loop(job_);
    case Step::kReadBack:
      return !reads_back(job_) || index_ == job_.nrfiles * blocks_per_file_;
    case Step::kSyncAndClose: {
      // Files that stay open are closed after the measured phase; their last fsync belongs to it.
      const bool syncs = job_.end_fsync && (opens_each_loop_ || last_loop);
      return index_ == job_.nrfiles * ((syncs ? 1U : 0U) + (opens_each_loop_ ? 1U : 0U));
    }
    case Step::kPause:
      return job_.thinktime.count() == 0 || last_loop || index_ == 1;
    case Step::kEnd:
      return true;
  }
  return true;
}

void PatternStream::advance() {
  index_ = 0;
  step_ = static_cast<Step>(static_cast<int>(step_) + 1);
  if (step_ == Step::kEnd && ++loop_ < job_.loops) step_ = Step::kUnlink;
}

Operation PatternStream::make() {
  const auto file = static_cast<std::uint32_t>(index_);
  switch (step_) {
    case Step::kUnlink:
      return {.kind = OperationKind::kUnlink, .file = file};
    case Step::kOpen:
      return {.kind = job_.create ? OperationKind::kCreate : OperationKind::kOpen,
              .file = file,
              .argument = 0644};
    case Step::kIo:
      return make_io();
    case Step::kReadBack:
      return {.kind = OperationKind::kRead,
              .file = static_cast<std::uint32_t>(index_ / blocks_per_file_),
              .offset = index_ % blocks_per_file_ * job_.bs,
              .size = job_.bs};
    case Step::kSyncAndClose:
      return make_sync_or_close();
    case Step::kPause:
      return {.kind = OperationKind::kPause,
              .size = static_cast<std::uint64_t>(job_.thinktime.count())};
    case Step::kEnd:
      break;
  }
  VFSPROF_CHECK(false);
}

Operation PatternStream::make_io() {
  // Sequential patterns go through the client's files one after the other, and round again if there
  // are more ios.
  const std::uint64_t blocks = job_.nrfiles * blocks_per_file_;
  const std::uint64_t block = is_random(job_.rw) ? random_.below(blocks) : index_ % blocks;
  bool is_read = reads(job_.rw);
  if (is_read && writes(job_.rw)) is_read = random_.below(100) < job_.rwmixread;
  Operation operation{.kind = is_read ? OperationKind::kRead : OperationKind::kWrite,
                      .file = static_cast<std::uint32_t>(block / blocks_per_file_),
                      .offset = block % blocks_per_file_ * job_.bs,
                      .size = job_.bs};
  if (is_read) return operation;
  operation.sequence = ++writes_;
  if (job_.fsync > 0 && ++writes_since_sync_[operation.file] == job_.fsync) {
    writes_since_sync_[operation.file] = 0;
    file_to_sync_ = operation.file;
    sync_due_ = true;
  }
  return operation;
}

Operation PatternStream::make_sync_or_close() {
  if (job_.end_fsync && opens_each_loop_) {
    return {.kind = index_ % 2 == 0 ? OperationKind::kFsync : OperationKind::kClose,
            .file = static_cast<std::uint32_t>(index_ / 2)};
  }
  return {.kind = job_.end_fsync ? OperationKind::kFsync : OperationKind::kClose,
          .file = static_cast<std::uint32_t>(index_)};
}

OperationStream::OperationStream(const ClientPlan& plan)
    : source_(std::in_place_type<Pattern>, *plan.job, Identity{plan.seed, plan.client}) {
  if (plan.job->form == JobForm::kSteps) source_.emplace<StepStream>(plan);
  if (plan.job->form == JobForm::kOperations) source_.emplace<List>(*plan.job->operations);
}

bool OperationStream::next_of_setup(Operation& out) {
  if (auto* steps = std::get_if<StepStream>(&source_)) return steps->next_of_setup(out);
  auto* list = std::get_if<List>(&source_);
  if (list == nullptr || list->set_up == list->list.setup.size()) return false;
  out = list->list.setup[list->set_up++];
  list->note(out);
  return true;
}

bool OperationStream::next_of_closing(Operation& out) {
  if (auto* steps = std::get_if<StepStream>(&source_)) return steps->next_of_closing(out);
  if (auto* pattern = std::get_if<Pattern>(&source_)) {
    if (opens_each_loop(pattern->job) || pattern->closed == pattern->job.nrfiles) return false;
    const auto file = static_cast<std::uint32_t>(pattern->closed++);
    out = {.kind = OperationKind::kClose, .file = file, .fd = file};
    return true;
  }
  std::vector<bool>& open = std::get<List>(source_).open;
  const auto found = std::ranges::find(open, true);
  if (found == open.end()) return false;
  *found = false;
  out = {.kind = OperationKind::kClose, .fd = static_cast<std::uint32_t>(found - open.begin())};
  return true;
}

OperationStream::List::List(const OperationList& list_) : list(list_), open(list_.open_at_end) {}

bool OperationStream::List::next(Operation& out) {
  if (done == list.operations.size()) return false;
  out = list.operations[done++];
  note(out);
  return true;
}

void OperationStream::List::note(const Operation& operation) {
  // The clients of a recording share their files, so none knows by itself what is open at the end.
  if (!list.turns.empty() || (operation.expected < 0 && operation.expected != kInFull)) return;
  const bool opens =
      operation.kind == OperationKind::kCreate || operation.kind == OperationKind::kOpen;
  if (!opens && operation.kind != OperationKind::kClose) return;
  if (open.size() <= operation.fd) open.resize(operation.fd + 1, false);
  open[operation.fd] = opens;
}

}  // namespace vfsprof::harness
