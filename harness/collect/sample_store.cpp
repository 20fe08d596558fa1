#include "harness/collect/sample_store.h"

#include <ranges>

namespace vfsprof::harness {

std::size_t SampleStore::Hash::operator()(const Node& node) const {
  // A multiplication spreads the low bits, in which code addresses differ, upwards; the shift
  // brings them back.
  const std::uint64_t hash =
      (node.address.lookup ^ (std::uint64_t{node.caller} << 32)) * 0x9e3779b97f4a7c15;
  return hash ^ (hash >> 32);
}

void SampleStore::add(std::span<const ChainAddress> addresses, pid_t tid, std::uint32_t slice) {
  std::uint32_t node = kRoot;
  for (const ChainAddress& address : std::views::reverse(addresses)) {
    const auto next = static_cast<std::uint32_t>(nodes_.size());
    const auto [found, added] = index_of_.try_emplace({node, address}, next);
    if (added) nodes_.push_back({node, address});
    node = found->second;
  }
  ++counts_[{node, tid, slice}];
}

}  // namespace vfsprof::harness
