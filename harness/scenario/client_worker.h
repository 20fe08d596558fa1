#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "harness/scenario/block_data.h"
#include "harness/scenario/operations.h"
#include "reports/model/histogram.h"
#include "vfs/base/unique_fd.h"

namespace vfsprof::harness {

/// What all clients of a process share: the first failure stops them all.
/// Threads: safe.
class RunControl {
 public:
  /// Stops all clients; the first failure is kept.
  void fail(std::string failure);
  bool stopping() const {
    return stopping_.load(std::memory_order_relaxed);
  }  // relaxed: only a hint to stop
  std::string failure() const;
  /// Sleeps, but not beyond a failure.
  void pause(std::chrono::nanoseconds duration);

 private:
  std::atomic<bool> stopping_ = false;
  mutable std::mutex mutex_;  ///< guards failure_
  std::condition_variable stopped_;
  std::string failure_;
};

/// Operations of one kind by one client.
struct KindStats {
  std::uint64_t count = 0;
  std::uint64_t errors = 0;
  std::uint64_t bytes = 0;
  reports::Histogram service_time_ns;
};

/// What one client did in the measured phase. Times by CLOCK_MONOTONIC.
struct ClientRecord {
  std::uint64_t started_ns = 0;
  std::uint64_t ended_ns = 0;
  std::array<KindStats, kOperationNames.size()> kinds;
  std::string results_hash;
};

/// One client: issues its job's operations on files of its own, times each and checks its result.
/// Whatever is not as expected (an error, a short count, contents that were never written) is a
/// failure of the run.
/// Threads: not safe; each client runs on one thread.
class ClientWorker {
 public:
  struct Options {
    const Job& job;
    OperationStream::Identity identity;
    int directory = -1;
    RunControl& control;
  };

  explicit ClientWorker(const Options& options);

  void set_up();
  void run_measured();
  void close_files();
  const ClientRecord& record() const { return record_; }

 private:
  std::int64_t call(const Operation& operation, const std::byte* data);
  std::int64_t open_file(std::uint32_t file, int flags);
  const std::byte* prepare(const Operation& operation);
  bool accept(const Operation& operation, std::int64_t result);
  std::string compare(const Operation& operation);
  void run_all(const std::vector<Operation>& operations);
  std::string name_of(std::uint32_t file) const;

  const Job& job_;
  OperationStream::Identity identity_;
  int directory_;
  RunControl& control_;
  BlockData data_;
  std::vector<std::string> names_;
  std::vector<UniqueFd> files_;
  std::vector<std::byte> buffer_;  ///< for reads, and for prefill writes of several blocks
  std::vector<std::uint64_t>
      sequences_;  ///< with `verify`: which write each block holds, all files in a row
  ClientRecord record_;
};

}  // namespace vfsprof::harness
