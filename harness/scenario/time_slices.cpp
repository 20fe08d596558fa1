#include "harness/scenario/time_slices.h"

namespace vfsprof::harness {

void TimeSlices::join_neighbours() {
  const std::size_t joined = (slices_.size() + 1) / 2;
  for (std::size_t i = 0; i < joined; ++i) {
    Slice sum = slices_[2 * i];
    if (2 * i + 1 < slices_.size()) sum.add(slices_[2 * i + 1]);
    slices_[i] = sum;
  }
  slices_.resize(joined);
  slice_ns_ *= 2;
}

void TimeSlices::go_to(std::uint64_t time_ns) {
  while ((time_ns - origin_ns_) / slice_ns_ >= kMost) join_neighbours();
  const std::uint64_t index = (time_ns - origin_ns_) / slice_ns_;
  slices_.resize(index + 1);
  end_ns_ = origin_ns_ + (index + 1) * slice_ns_;
}

void TimeSlices::widen_to(std::uint64_t slice_ns) {
  while (slice_ns_ < slice_ns) join_neighbours();
  end_ns_ = origin_ns_ + slices_.size() * slice_ns_;
}

}  // namespace vfsprof::harness
