#include "harness/scenario/result_trace.h"

#include <algorithm>

namespace vfsprof::harness {
namespace {

constexpr std::size_t kMostCheckpoints = 128;

/// The hash after so many operations, if there is a checkpoint there.
const std::uint64_t* hash_after(const ClientTrace& trace, std::uint64_t operations) {
  if (operations == trace.operations) return &trace.hash;
  if (trace.interval == 0 || operations % trace.interval != 0) return nullptr;
  const std::uint64_t index = operations / trace.interval - 1;
  return index < trace.checkpoints.size() ? &trace.checkpoints[index] : nullptr;
}

WatchedOperations parting(const ClientTrace& one, const ClientTrace& other, unsigned client) {
  const std::uint64_t step = std::max({one.interval, other.interval, std::uint64_t{1}});
  const std::uint64_t end = std::max(one.operations, other.operations);
  for (std::uint64_t same = 0; same < end; same += step) {
    const std::uint64_t next = std::min(same + step, end);
    const std::uint64_t* const first = hash_after(one, next);
    const std::uint64_t* const second = hash_after(other, next);
    if (first != nullptr && second != nullptr && *first == *second) continue;
    return {.client = client, .first = same + 1, .last = next};
  }
  return {};
}

}  // namespace

void ResultTrace::add_checkpoint() {
  checkpoints_.push_back(hash_);
  if (checkpoints_.size() < kMostCheckpoints) return;
  // Every second one goes, so that there are never many.
  for (std::size_t i = 0; i < kMostCheckpoints / 2; ++i) checkpoints_[i] = checkpoints_[2 * i + 1];
  checkpoints_.resize(kMostCheckpoints / 2);
  interval_ *= 2;
}

WatchedOperations first_parting(const std::vector<ClientTrace>& one,
                                const std::vector<ClientTrace>& other) {
  WatchedOperations found;
  for (std::size_t i = 0; i < std::min(one.size(), other.size()); ++i) {
    const WatchedOperations each = parting(one[i], other[i], static_cast<unsigned>(i));
    if (each.first != 0 && (found.first == 0 || each.first < found.first)) found = each;
  }
  return found;
}

}  // namespace vfsprof::harness
