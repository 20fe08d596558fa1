#include "harness/scenario/client_worker.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "harness/scenario/hash.h"
#include "vfs/base/check.h"
#include "vfs/base/result.h"

namespace vfsprof::harness {
namespace {

std::uint64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

std::int64_t result_of(std::int64_t returned) { return returned < 0 ? -errno : returned; }

bool moves_data(OperationKind kind) {
  return kind == OperationKind::kRead || kind == OperationKind::kWrite;
}

/// What goes into the hash of results.
struct HashedResult {
  std::uint32_t kind;
  std::uint32_t file;
  std::uint64_t offset;
  std::uint64_t size;
  std::int64_t result;
};
static_assert(sizeof(HashedResult) == 32, "padding would be hashed");

}  // namespace

void RunControl::fail(std::string failure) {
  {
    const std::lock_guard lock(mutex_);
    if (failure_.empty()) failure_ = std::move(failure);
    stopping_.store(true, std::memory_order_relaxed);
  }
  stopped_.notify_all();
}

std::string RunControl::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

void RunControl::pause(std::chrono::nanoseconds duration) {
  std::unique_lock lock(mutex_);
  stopped_.wait_for(lock, duration, [this] { return stopping(); });
}

ClientWorker::ClientWorker(const Options& options)
    : job_(options.job),
      identity_(options.identity),
      directory_(options.directory),
      control_(options.control),
      data_({.seed = identity_.seed, .client = identity_.client, .block_bytes = job_.bs}),
      files_(job_.nrfiles),
      buffer_(std::max(job_.bs, job_.prefill ? kPrefillBytes : 0)) {
  for (unsigned file = 0; file < job_.nrfiles; ++file) {
    names_.push_back(fmt::format("c{}-f{}", identity_.client, file));
  }
  if (job_.verify) sequences_.assign(job_.nrfiles * (job_.size / job_.bs), 0);
}

std::int64_t ClientWorker::open_file(std::uint32_t file, int flags) {
  const int fd =
      ::openat(directory_, names_[file].c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0644);
  const std::int64_t result = result_of(fd);
  files_[file].reset(fd);
  // Which number the descriptor got is no result of the file system.
  return std::min<std::int64_t>(result, 0);
}

/// The system call itself: its result, or the negative errno.
std::int64_t ClientWorker::call(const Operation& operation, const std::byte* data) {
  const int fd = files_[operation.file].get();
  const auto offset = static_cast<off_t>(operation.offset);
  switch (operation.kind) {
    case OperationKind::kCreate:
      // O_EXCL: what was there before belongs to somebody else.
      return open_file(operation.file, O_CREAT | O_EXCL);
    case OperationKind::kOpen:
      return open_file(operation.file, 0);
    case OperationKind::kRead:
      return result_of(::pread(fd, buffer_.data(), operation.size, offset));
    case OperationKind::kWrite:
      return result_of(::pwrite(fd, data, operation.size, offset));
    case OperationKind::kFsync:
      return result_of(::fsync(fd));
    case OperationKind::kClose:
      return result_of(::close(files_[operation.file].release()));
    case OperationKind::kUnlink:
      return result_of(::unlinkat(directory_, names_[operation.file].c_str(), 0));
    case OperationKind::kPause:
      break;
  }
  VFSPROF_CHECK(false);
}

/// The data of a write; notes which write its blocks then hold.
const std::byte* ClientWorker::prepare(const Operation& operation) {
  if (operation.kind != OperationKind::kWrite) return nullptr;
  const auto key_at = [&](std::uint64_t offset) {
    return BlockKey{.file = operation.file, .offset = offset, .sequence = operation.sequence};
  };
  if (job_.verify) {
    const std::uint64_t first = (operation.file * job_.size + operation.offset) / job_.bs;
    std::fill_n(sequences_.begin() + static_cast<std::ptrdiff_t>(first), operation.size / job_.bs,
                operation.sequence);
  }
  if (operation.size == job_.bs) return data_.block(key_at(operation.offset)).data();
  for (std::uint64_t at = 0; at < operation.size; at += job_.bs) {
    std::ranges::copy(data_.block(key_at(operation.offset + at)),
                      buffer_.begin() + static_cast<std::ptrdiff_t>(at));
  }
  return buffer_.data();
}

/// Fails the run and returns false if the result is not the only one that is right.
bool ClientWorker::accept(const Operation& operation, std::int64_t result) {
  const bool moves = moves_data(operation.kind);
  std::string problem;
  if (result < 0) {
    problem = "failed: " + describe(Errno{static_cast<int>(-result)});
  } else if (moves && static_cast<std::uint64_t>(result) != operation.size) {
    problem = fmt::format("was short: {} of {} bytes", result, operation.size);
  } else if (operation.kind == OperationKind::kRead && job_.verify) {
    problem = compare(operation);
  }
  if (problem.empty()) return true;
  const std::string place = moves ? fmt::format(" at offset {}", operation.offset) : "";
  control_.fail(fmt::format("{} of {}{} {}",
                            kOperationNames[static_cast<std::size_t>(operation.kind)],
                            names_[operation.file], place, problem));
  return false;
}

/// Empty if the block that was read holds what was last written there.
std::string ClientWorker::compare(const Operation& operation) {
  const std::uint64_t sequence =
      sequences_[(operation.file * job_.size + operation.offset) / job_.bs];
  const auto expected =
      data_.block({.file = operation.file, .offset = operation.offset, .sequence = sequence});
  if (std::memcmp(expected.data(), buffer_.data(), expected.size()) == 0) return {};
  const auto differing = std::ranges::mismatch(expected, buffer_).in1;
  return fmt::format("returned other data than write {} put there, from byte {} of the block on",
                     sequence, differing - expected.begin());
}

void ClientWorker::run_all(const std::vector<Operation>& operations) {
  for (const Operation& operation : operations) {
    if (control_.stopping() || !accept(operation, call(operation, prepare(operation)))) return;
  }
}

void ClientWorker::set_up() { run_all(setup_operations(job_)); }

void ClientWorker::close_files() { run_all(closing_operations(job_)); }

void ClientWorker::run_measured() {
  OperationStream stream(job_, identity_);
  Operation operation;
  ContentHash hash;
  record_.started_ns = now_ns();
  while (!control_.stopping() && stream.next(operation)) {
    if (operation.kind == OperationKind::kPause) {
      control_.pause(job_.thinktime);
      continue;
    }
    const std::byte* data = prepare(operation);
    const std::uint64_t before_ns = now_ns();
    const std::int64_t result = call(operation, data);
    const std::uint64_t after_ns = now_ns();
    KindStats& stats = record_.kinds[static_cast<std::size_t>(operation.kind)];
    stats.service_time_ns.record(after_ns - before_ns);
    ++stats.count;
    if (result < 0) ++stats.errors;
    if (result > 0) stats.bytes += static_cast<std::uint64_t>(result);
    hash.add_value(HashedResult{static_cast<std::uint32_t>(operation.kind), operation.file,
                                operation.offset, operation.size, result});
    // What a read returned is its result too.
    if (operation.kind == OperationKind::kRead && result > 0) {
      hash.add(std::span(buffer_).first(static_cast<std::size_t>(result)));
    }
    if (!accept(operation, result)) break;
  }
  record_.ended_ns = now_ns();
  record_.results_hash = hash.hex();
}

}  // namespace vfsprof::harness
