#pragma once

#include <sys/types.h>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <unordered_map>
#include <vector>

#include "harness/collect/sample.h"

namespace vfsprof::harness {

/// Samples counted as they come, in a tree of calls: memory grows with distinct call paths and not
/// with samples, and paths share their outer part.
class SampleStore {
 public:
  /// One address of a call path.
  struct Node {
    std::uint32_t caller = kRoot;  ///< index into nodes(), below the node's own
    ChainAddress address;
    friend bool operator==(const Node&, const Node&) = default;
  };
  static constexpr std::uint32_t kRoot = ~std::uint32_t{0};  ///< the caller of the outermost

  struct Key {
    std::uint32_t node = kRoot;  ///< the leaf, an index into nodes()
    pid_t tid = 0;
    std::uint32_t slice = 0;
    friend auto operator<=>(const Key&, const Key&) = default;
  };

  /// `addresses`: leaf first.
  void add(std::span<const ChainAddress> addresses, pid_t tid, std::uint32_t slice);

  /// Callers before those they call.
  const std::vector<Node>& nodes() const { return nodes_; }
  /// How many samples there were of each key; those of one leaf are neighbours.
  const std::map<Key, std::uint64_t>& counts() const { return counts_; }

 private:
  struct Hash {
    std::size_t operator()(const Node& node) const;
  };

  std::vector<Node> nodes_;
  std::unordered_map<Node, std::uint32_t, Hash> index_of_;
  std::map<Key, std::uint64_t> counts_;
};

}  // namespace vfsprof::harness
