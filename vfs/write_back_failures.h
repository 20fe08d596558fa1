#pragma once

#include <cstdint>
#include <mutex>
#include <optional>

#include "vfs/base/result.h"

namespace vfsprof::vfs {

/// The failed write-backs of a file, counted, so that each open handle is told of them once.
/// Source: the kernel's errseq_t (lib/errseq.c).
/// Threads: safe.
class WriteBackFailures {
 public:
  void report(Errno error) {
    const std::lock_guard lock(mutex_);
    ++count_;
    latest_ = error;
  }

  std::uint64_t count() const {
    const std::lock_guard lock(mutex_);
    return count_;
  }

  /// The latest failure if there were any since `told`, which becomes their count.
  std::optional<Errno> take(std::uint64_t& told) const {
    const std::lock_guard lock(mutex_);
    if (told == count_) return {};
    told = count_;
    return latest_;
  }

 private:
  mutable std::mutex mutex_;  // guards both below
  std::uint64_t count_ = 0;
  Errno latest_;
};

}  // namespace vfsprof::vfs
