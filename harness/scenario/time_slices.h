#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace vfsprof::harness {

/// What was done in each slice of time. Slices are as short as they can be without becoming too
/// many: where they do, neighbours become one.
/// Threads: not safe; each client has its own.
class TimeSlices {
 public:
  static constexpr std::uint64_t kShortestNs = 1'000'000;
  static constexpr std::size_t kMost = 128;

  struct Slice {
    std::uint64_t operations = 0;
    std::uint64_t late_ns = 0;  ///< how late the one of them was issued that was least late
    void add(const Slice& other) {
      if (other.operations == 0) return;
      late_ns = operations == 0 ? other.late_ns : std::min(late_ns, other.late_ns);
      operations += other.operations;
    }
  };

  /// Slices begin at `origin_ns`, whatever the clock; nothing is added from before.
  void start(std::uint64_t origin_ns) {
    origin_ns_ = origin_ns;
    end_ns_ = origin_ns + slice_ns_;
  }
  /// An operation that ended at `ended_ns`, not before the one added last.
  void add(std::uint64_t ended_ns, std::uint64_t late_ns) {
    if (ended_ns >= end_ns_) go_to(ended_ns);
    slices_.back().add({.operations = 1, .late_ns = late_ns});
  }

  std::uint64_t slice_ns() const { return slice_ns_; }
  const std::vector<Slice>& slices() const { return slices_; }
  /// Joins neighbours until slices are `slice_ns` long, which is the length by a power of two.
  void widen_to(std::uint64_t slice_ns);

 private:
  void go_to(std::uint64_t time_ns);
  void join_neighbours();

  std::uint64_t slice_ns_ = kShortestNs;
  std::uint64_t origin_ns_ = 0;
  std::uint64_t end_ns_ = kShortestNs;  ///< of the last slice
  std::vector<Slice> slices_{1};
};

}  // namespace vfsprof::harness
