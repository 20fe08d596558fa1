#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace vfsprof::reports {

/// A mergeable log-linear histogram of non-negative integers with a relative value error of at most
/// 0.1 % (the layout of HdrHistogram with 3 significant digits: 2048 linear buckets, 1024 for each
/// further power of two).
///
/// Units: whatever is recorded, nanoseconds throughout this project. Values above `kMaxValue` count
/// as `kMaxValue`. Threads: not safe; give each thread its own and merge.
class Histogram {
 public:
  static constexpr std::uint64_t kMaxValue = (std::uint64_t{1} << 40) - 1;  ///< 18 minutes in ns

  struct Bucket {
    std::uint32_t index = 0;
    std::uint64_t count = 0;
    friend bool operator==(const Bucket&, const Bucket&) = default;
  };

  void record(std::uint64_t value, std::uint64_t count = 1);
  void merge(const Histogram& other);

  std::uint64_t count() const { return count_; }
  double mean() const;
  std::uint64_t max() const { return max_; }
  /// The smallest recorded bucket's midpoint at or below which a share `quantile` (0 to 1) of the
  /// values lies; 0 when empty.
  std::uint64_t quantile(double quantile) const;

  /// For saving: the non-empty buckets, ascending; and back. `restore` returns false for an index
  /// out of range.
  std::vector<Bucket> buckets() const;
  bool restore(std::span<const Bucket> buckets, std::uint64_t sum, std::uint64_t max);
  std::uint64_t sum() const { return sum_; }

 private:
  std::vector<std::uint64_t> counts_;  ///< grows to the largest index recorded
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace vfsprof::reports
