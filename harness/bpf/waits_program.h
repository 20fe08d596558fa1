#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "harness/bpf/waits_layout.h"

namespace vfsprof::harness {

/// Whom the programs observe, and what they need to know of its code to find call sites.
struct WaitsSettings {
  std::vector<pid_t> processes;  ///< the first is the one asked for, the others its children
  bool follow_children = false;
  bool observe_fuse = false;  ///< the process serves a FUSE file system
  bool refused = false;       ///< the programs are not to be loaded
  std::vector<module_range> modules;
  std::vector<unwind_row> rows;
};

/// Why the programs cannot run here.
struct ProgramRefusal {
  std::string detail;
  std::string remedy;
};

/// The BPF programs of waits.bpf.c: loads them, starts and stops them, shows their tables.
///
/// The tables are valid after stop(); entry 0 of each is unused. Threads: one user.
class WaitsProgram {
 public:
  /// Loads and attaches the programs, which record nothing before start(). Where that is not
  /// possible `refusal` says why.
  explicit WaitsProgram(const WaitsSettings& settings);
  ~WaitsProgram();
  WaitsProgram(const WaitsProgram&) = delete;
  WaitsProgram& operator=(const WaitsProgram&) = delete;

  /// Empty where the programs run.
  const ProgramRefusal& refusal() const { return refusal_; }
  bool loaded() const { return refusal_.detail.empty(); }

  void start();
  /// Also detaches the programs.
  void stop();

  std::span<const thread_times> threads() const;
  std::span<const call_site> sites() const;
  std::span<const futex_entry> futexes() const;
  std::span<const wakeup_entry> wakeups() const;
  std::span<const blocked_entry> blocked() const;
  std::span<const fuse_entry> fuse() const;  ///< by operation code
  const table_use& used() const;
  /// Whether the kernel has the tracepoints that FUSE requests need.
  bool observes_fuse() const;
  std::uint64_t start_ns() const;  ///< CLOCK_MONOTONIC
  std::uint64_t stop_ns() const;

 private:
  struct Impl;

  std::unique_ptr<Impl> impl_;
  ProgramRefusal refusal_;
};

}  // namespace vfsprof::harness
