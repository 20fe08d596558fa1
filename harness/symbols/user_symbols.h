#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "reports/model/run_result.h"

namespace vfsprof::harness {

/// Names the user-space addresses of a process: ELF symbols, and the functions that DWARF says were
/// inlined there.
///
/// Works from a copy of /proc/PID/maps, so that a process which has ended meanwhile still resolves.
/// Detached debug files below /usr/lib/debug are used where they are installed; nothing is fetched
/// over the network. Threads: one user at a time.
class UserSymbols {
 public:
  /// `maps`: the text of /proc/PID/maps. `pid`: the process, if it may live still: files that were
  /// deleted while it uses them are read through it.
  explicit UserSymbols(const std::string& maps, pid_t pid = 0);
  ~UserSymbols();
  UserSymbols(const UserSymbols&) = delete;
  UserSymbols& operator=(const UserSymbols&) = delete;

  /// The frames at an address, innermost inlined function first, the function that has the code
  /// last. One frame without a function where no symbol covers the address; none at all where no
  /// executable memory was mapped.
  std::vector<reports::Frame> frames_at(std::uint64_t address);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vfsprof::harness
