#include "harness/scenario/step_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "harness/error.h"
#include "harness/scenario/step_kinds.h"
#include "harness/scenario/steps_parser.h"

namespace vfsprof::harness {
namespace {

constexpr OperationKind kKindOf[] = {
    OperationKind::kCreate,    OperationKind::kOpen,      OperationKind::kClose,
    OperationKind::kRead,      OperationKind::kWrite,     OperationKind::kWrite,
    OperationKind::kRead,      OperationKind::kWrite,     OperationKind::kFsync,
    OperationKind::kFdatasync, OperationKind::kTruncate,  OperationKind::kStat,
    OperationKind::kReaddir,   OperationKind::kUnlink,    OperationKind::kMkdir,
    OperationKind::kRmdir,     OperationKind::kRename,    OperationKind::kLink,
    OperationKind::kSymlink,   OperationKind::kReadlink,  OperationKind::kChmod,
    OperationKind::kChown,     OperationKind::kUtimens,   OperationKind::kSetxattr,
    OperationKind::kGetxattr,  OperationKind::kListxattr, OperationKind::kRemovexattr,
    OperationKind::kPause,     OperationKind::kBarrier};

bool is_flow(StepCode code) { return code >= StepCode::kRepeat; }

/// Whether the step makes a name (its entry must not exist) or works on one that exists.
bool makes_name(StepCode code) {
  return code == StepCode::kCreate || code == StepCode::kMkdir || code == StepCode::kSymlink;
}

}  // namespace

StepStream::StepStream(const ClientPlan& plan)
    : plan_(plan),
      random_(Random::mix(plan.seed) ^ Random::mix(plan.client + 1)),
      seed_(Random::mix(Random::mix(plan.seed) + plan.client - plan.rank + 1)),
      files_(kMaxOpenFiles) {
  for (std::size_t i = 0; i < plan.shares.size(); ++i) {
    const FileSet& set = plan.scenario->filesets[i];
    const SetShare& share = plan.shares[i];
    const auto count = static_cast<std::uint32_t>(share.used ? share.count(set) : 0);
    pools_.emplace_back(count);
    inode_of_.emplace_back(count, 0);
    for (std::uint32_t entry = 0; entry < count; ++entry) {
      if (!exists_at_start(set, share.entry(set, entry))) continue;
      const std::uint32_t inode = new_inode(static_cast<int>(i), entry);
      inodes_[inode].size = inodes_[inode].drawn_size;
      add_name(static_cast<int>(i), entry, inode);
    }
  }
  const auto prepare = [](Place& place, const std::vector<Instruction>& program) {
    place.repeats.assign(program.size(), 0);
    place.decks.resize(program.size());
    place.zipfs.resize(program.size());
    place.draws.assign(program.size(), {});
    for (std::size_t i = 0; i < program.size(); ++i) {
      if (program[i].code == StepCode::kMix) place.decks[i].emplace(program[i].weights);
    }
  };
  prepare(setup_, plan.job->program.setup);
  prepare(loop_, plan.job->program.loop);
}

bool StepStream::next(const std::vector<Instruction>& program, std::uint64_t loops,
                      Operation& out) {
  place_ = &program == &plan_.job->program.setup ? &setup_ : &loop_;
  program_ = program.data();
  if (chunks_.left > 0) return next_chunk(out);
  while (place_->loop < loops && !program.empty()) {
    if (place_->at == program.size()) {
      place_->at = 0;
      if (++place_->loop == loops) return false;
      if (plan_.job->thinktime.count() > 0) {
        out = {.kind = OperationKind::kPause,
               .size = static_cast<std::uint64_t>(plan_.job->thinktime.count())};
        return true;
      }
    }
    const Instruction& step = program[place_->at++];
    if (is_flow(step.code)) {
      flow(step);
    } else if (make(step, out)) {
      ++made_;
      return true;
    }
  }
  return false;
}

void StepStream::flow(const Instruction& step) {
  const auto at = static_cast<std::size_t>(&step - program_);
  switch (step.code) {
    case StepCode::kRepeat:
      if (place_->repeats[at]++ == step.count) {
        place_->repeats[at] = 0;
        place_->at = step.target;
      }
      return;
    case StepCode::kMix:
      place_->at = step.branches[place_->decks[at]->deal(random_)];
      return;
    default:
      place_->at = step.target;
  }
}

/// Returns false where the step turns out to be no operation (nothing to read or to write).
bool StepStream::make(const Instruction& step, Operation& out) {
  out = {.kind = kKindOf[static_cast<std::size_t>(step.code)],
         .flags = step.flags,
         .fd = step.fd,
         .argument = step.mode,
         .expected = step.expected};
  switch (step.code) {
    case StepCode::kCreate:
    case StepCode::kOpen:
      make_open(step, out);
      return true;
    case StepCode::kRead:
    case StepCode::kWrite:
      return make_transfer(step, out);
    case StepCode::kAppend:
    case StepCode::kReadWhole:
    case StepCode::kWriteWhole:
      return make_chunks(step, out);
    case StepCode::kPause:
      out.size = step.count;
      return true;
    case StepCode::kBarrier:
      return true;
    default:
      if ((kind_of(step.code)->keys & kKeyFd) != 0) {
        make_of_file(step, out);
      } else {
        make_named(step, out);
      }
      return true;
  }
}

void StepStream::make_open(const Instruction& step, Operation& out) {
  const bool fails = step.expected != kInFull;
  // Expected to fail: create on what exists, open on what does not.
  const bool existing = (step.code == StepCode::kOpen) != fails;
  const std::uint32_t entry = pick(step, step.set, existing);
  out.file = name(step.set, entry);
  if (fails) return;
  if (step.code == StepCode::kCreate) add_name(step.set, entry, new_inode(step.set, entry));
  OpenFile& file = files_[step.fd];
  if (file.open) fail(step, fmt::format("fd {} is still open", step.fd));
  const std::uint32_t inode = inode_of_[static_cast<std::size_t>(step.set)][entry];
  file = {.open = true, .file = out.file, .inode = inode};
  ++inodes_[inode].holders;
  if ((step.flags & kOpenTruncate) != 0) inodes_[inode].size = 0;
}

bool StepStream::make_transfer(const Instruction& step, Operation& out) {
  OpenFile& file = open_file(step);
  const Inode& inode = inodes_[file.inode];
  const bool writes = step.code == StepCode::kWrite;
  const std::uint64_t region = writes ? std::max(inode.size, inode.drawn_size) : inode.size;
  out.file = file.file;
  out.size = draw(step, step.bs, 0);
  out.offset = choose_offset(step, file, region, out.size);
  if (writes) {
    out.sequence = ++writes_;
    file.cursor = out.offset + out.size;
    grow(file, file.cursor);
    return true;
  }
  if (step.expected == kInFull && out.offset + out.size > region) {
    out.expected = static_cast<std::int64_t>(region - std::min(region, out.offset));
  }
  file.cursor = std::min(region, out.offset + out.size);
  return true;
}

std::uint64_t StepStream::choose_offset(const Instruction& step, OpenFile& file,
                                        std::uint64_t region, std::uint64_t bs) {
  const std::uint64_t blocks = std::max<std::uint64_t>(1, region / bs);
  switch (step.offset) {
    case OffsetMode::kNext:
      return file.cursor + bs > region ? 0 : file.cursor;
    case OffsetMode::kRandom:
      return random_.below(blocks) * bs;
    case OffsetMode::kZipf: {
      auto& zipf = place_->zipfs[static_cast<std::size_t>(&step - program_)];
      if (!zipf || zipf->n() != blocks) zipf.emplace(blocks, step.theta);
      // A factor without a common divisor spreads the favourites over the file.
      constexpr std::uint64_t kPrime = 2654435761;
      return zipf->draw(random_) * kPrime % blocks * bs;
    }
    case OffsetMode::kTable:
      return draw(step, step.offsets, 2) / bs % blocks * bs;
  }
  return 0;
}

bool StepStream::make_chunks(const Instruction& step, Operation& out) {
  OpenFile& file = open_file(step);
  const Inode& inode = inodes_[file.inode];
  chunks_ = {.step = &step, .kind = out.kind};
  if (step.code == StepCode::kAppend) chunks_.offset = inode.size;
  if (step.code == StepCode::kReadWhole) {
    chunks_.left = inode.size;
  } else {
    chunks_.left = step.size ? draw(step, step.size, 1) : inode.drawn_size;
  }
  return chunks_.left > 0 && next_chunk(out);
}

bool StepStream::next_chunk(Operation& out) {
  const Instruction& step = *chunks_.step;
  OpenFile& file = files_[step.fd];
  out = {.kind = chunks_.kind,
         .file = file.file,
         .fd = step.fd,
         .offset = chunks_.offset,
         .size = std::min(chunks_.left, draw(step, step.bs, 0)),
         .expected = step.expected};
  chunks_.offset += out.size;
  chunks_.left -= out.size;
  if (chunks_.kind == OperationKind::kWrite) {
    out.sequence = ++writes_;
    grow(file, chunks_.offset);
  }
  return true;
}

void StepStream::make_named(const Instruction& step, Operation& out) {
  const bool fails = step.expected != kInFull;
  const bool missing = step.expected == -ENOENT || (makes_name(step.code) && !fails);
  const std::uint32_t entry = pick(step, step.set, !missing);
  out.file = name(step.set, entry);
  if (step.other_set >= 0) return make_of_two(step, entry, out);
  if (fails) return;
  if (step.code == StepCode::kMkdir) add_name(step.set, entry, new_inode(step.set, entry));
  if (step.code == StepCode::kUnlink || step.code == StepCode::kRmdir) remove_name(step.set, entry);
}

void StepStream::make_of_two(const Instruction& step, std::uint32_t first, Operation& out) {
  const bool fails = step.expected != kInFull;
  const auto set = static_cast<std::size_t>(step.set);
  if (step.code == StepCode::kSymlink) {
    out.other = name(step.other_set, pick(step, step.other_set, true));
    if (!fails) add_name(step.set, first, new_inode(step.set, first));
    return;
  }
  const std::uint32_t second = pick(step, step.other_set, step.expected == -EEXIST);
  out.other = name(step.other_set, second);
  if (fails) return;
  add_name(step.other_set, second, inode_of_[set][first]);
  if (step.code == StepCode::kRename) remove_name(step.set, first);
}

void StepStream::make_of_file(const Instruction& step, Operation& out) {
  OpenFile& file = open_file(step);
  out.file = file.file;
  if (step.code == StepCode::kClose) {
    file.open = false;
    drop(file.inode);
  }
  if (step.size) out.size = draw(step, step.size, 1);
  if (step.code == StepCode::kTruncate && step.expected == kInFull)
    inodes_[file.inode].size = out.size;
  if ((kind_of(step.code)->keys & kKeyName) != 0) out.other = plan_.first_text + step.text;
}

bool StepStream::next_of_closing(Operation& out) {
  for (; closing_ < files_.size(); ++closing_) {
    if (!files_[closing_].open) continue;
    files_[closing_].open = false;
    out = {.kind = OperationKind::kClose, .file = files_[closing_].file, .fd = closing_};
    return true;
  }
  return false;
}

std::uint64_t StepStream::draw(const Instruction& step, const Distribution& from, unsigned which) {
  if (from->is_fixed()) return from->at(0);
  const auto at = static_cast<std::size_t>(&step - program_);
  // One row of draws for all clients of the job, dealt out, so that together they meet the mean.
  const std::uint64_t number = place_->draws[at][which]++ * plan_.job->numjobs + plan_.rank;
  return from->at(stratified_entry(seed_ + at * 4 + which, number));
}

std::uint32_t StepStream::pick(const Instruction& step, int set, bool existing) {
  const auto entry = pools_[static_cast<std::size_t>(set)].pick(existing, step, random_);
  if (!entry) {
    fail(step,
         fmt::format("set '{}' has no entry left that {}: change nrfiles or existing, or the steps",
                     plan_.scenario->filesets[static_cast<std::size_t>(set)].name,
                     existing ? "exists" : "does not exist"));
  }
  return *entry;
}

std::uint32_t StepStream::name(int set, std::uint32_t entry) const {
  const auto index = static_cast<std::size_t>(set);
  const SetShare& share = plan_.shares[index];
  return share.first_name +
         static_cast<std::uint32_t>(share.entry(plan_.scenario->filesets[index], entry));
}

StepStream::OpenFile& StepStream::open_file(const Instruction& step) {
  OpenFile& file = files_[step.fd];
  if (!file.open) fail(step, fmt::format("fd {} is not open", step.fd));
  return file;
}

void StepStream::grow(OpenFile& file, std::uint64_t end) {
  Inode& inode = inodes_[file.inode];
  inode.size = std::max(inode.size, end);
}

std::uint32_t StepStream::new_inode(int set, std::uint32_t entry) {
  const auto index = static_cast<std::size_t>(set);
  const FileSet& file_set = plan_.scenario->filesets[index];
  const Inode inode{.drawn_size =
                        size_of_entry(file_set, plan_.shares[index].entry(file_set, entry))};
  if (free_inodes_.empty()) {
    inodes_.push_back(inode);
    return static_cast<std::uint32_t>(inodes_.size() - 1);
  }
  const std::uint32_t number = free_inodes_.back();
  free_inodes_.pop_back();
  inodes_[number] = inode;
  return number;
}

void StepStream::drop(std::uint32_t inode) {
  if (--inodes_[inode].holders == 0) free_inodes_.push_back(inode);
}

void StepStream::add_name(int set, std::uint32_t entry, std::uint32_t inode) {
  const auto index = static_cast<std::size_t>(set);
  pools_[index].set_exists(entry, true);
  inode_of_[index][entry] = inode;
  ++inodes_[inode].holders;
}

void StepStream::remove_name(int set, std::uint32_t entry) {
  const auto index = static_cast<std::size_t>(set);
  pools_[index].set_exists(entry, false);
  drop(inode_of_[index][entry]);
}

void StepStream::fail(const Instruction& step, const std::string& why) const {
  throw BadInput(fmt::format("job '{}' of scenario '{}': step {} of client {}, operation {}: {}",
                             plan_.job->name, plan_.scenario->name, kind_of(step.code)->name,
                             plan_.client, made_, why));
}

}  // namespace vfsprof::harness
