#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "harness/collect/collector.h"
#include "harness/collect/mapped_memory.h"
#include "reports/model/run_result.h"

namespace vfsprof::harness {

/// The reference daemon's own account of its waits, wakes and requests (vfs/wait_counts.h), for who
/// may not trace the kernel: no rights are needed. It knows the waits at the queues and locks that
/// it counts, not each futex call; no call sites, no useless wakes, no wake-to-run time, and no
/// time that a request waited in the kernel. While it is read the daemon reads the clock twice a
/// wait and three times a request.
class DaemonWaits {
 public:
  DaemonWaits() = default;
  ~DaemonWaits() { stop(); }
  DaemonWaits(const DaemonWaits&) = delete;
  DaemonWaits& operator=(const DaemonWaits&) = delete;

  void attach(const Observed& observed);
  /// Asks the daemon to count.
  void start();
  void stop();
  /// Between start and stop; both do nothing if there is a `problem`.
  void add_futexes(reports::Round& round) const;
  void add_requests(reports::Round& round) const;

  /// Replies whose request had been read before `start`, or while too many were under way.
  std::uint64_t unstamped() const { return after_.unstamped - before_.unstamped; }

  /// Why there is no such account; empty if there is one.
  const std::string& problem() const { return problem_; }

 private:
  /// What the page holds at one moment.
  struct Durations {
    std::uint64_t sum_ns = 0;
    reports::Log2Histogram buckets;
  };
  struct Cell {
    std::int32_t tid = 0;  ///< 0: not in use
    std::string name;
    reports::WordPurpose purpose = reports::WordPurpose::kOther;
    std::uint64_t waits = 0;
    std::uint64_t wakes = 0;
    Durations wait;
  };
  struct Requests {
    std::uint64_t count = 0;
    std::uint64_t errors = 0;
    Durations daemon;
    Durations reply;
  };
  struct Reading {
    std::vector<Cell> cells;
    std::vector<Requests> requests;  ///< by opcode
    std::uint64_t lost = 0;
    std::uint64_t unstamped = 0;
  };

  std::string map(const std::filesystem::path& path);
  Reading read() const;
  static Durations difference(const Durations& before, const Durations& after);

  std::string problem_ = "not attached";
  MappedMemory memory_;
  bool counting_ = false;
  Reading before_;
  Reading after_;
};

}  // namespace vfsprof::harness
