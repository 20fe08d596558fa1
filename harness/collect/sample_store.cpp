#include "harness/collect/sample_store.h"

#include <ranges>

namespace vfsprof::harness {

std::uint32_t SampleStore::node_of(const Node& node) {
  const auto [number, added] =
      index_of_node_.insert(mix(node.address.lookup ^ (std::uint64_t{node.caller} << 32)),
                            static_cast<std::uint32_t>(nodes_.size()),
                            [&](std::uint32_t candidate) { return nodes_[candidate] == node; });
  if (added) {
    nodes_.push_back(node);
    last_callee_.push_back(kRoot);
  }
  return number;
}

void SampleStore::add(std::span<const ChainAddress> addresses, pid_t tid, std::uint32_t slice) {
  std::uint32_t caller = kRoot;
  for (const ChainAddress& address : std::views::reverse(addresses)) {
    // Most callers mostly call one place: what they called last is looked at first, and lies beside
    // them as a rule.
    const std::uint32_t last = caller == kRoot ? last_outermost_ : last_callee_[caller];
    if (last == kRoot || nodes_[last].address != address) {
      const std::uint32_t callee = node_of({caller, address});
      (caller == kRoot ? last_outermost_ : last_callee_[caller]) = callee;
      caller = callee;
    } else {
      caller = last;
    }
  }
  const Key key{caller, tid, slice};
  const auto [number, added] = index_of_count_.insert(
      mix((std::uint64_t{caller} << 32 | slice) ^ mix(static_cast<std::uint64_t>(tid))),
      static_cast<std::uint32_t>(counts_.size()),
      [&](std::uint32_t candidate) { return counts_[candidate].key == key; });
  if (added) counts_.push_back({key, 0});
  ++counts_[number].count;
}

}  // namespace vfsprof::harness
