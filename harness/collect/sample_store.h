#pragma once

#include <sys/types.h>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "harness/collect/sample.h"
#include "harness/symbols/index_table.h"

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
  struct Count {
    Key key;
    std::uint64_t count = 0;
  };

  /// `addresses`: leaf first.
  void add(std::span<const ChainAddress> addresses, pid_t tid, std::uint32_t slice);

  /// Callers before those they call.
  const std::vector<Node>& nodes() const { return nodes_; }
  /// How many samples there were of each key, in the order of their first.
  const std::vector<Count>& counts() const { return counts_; }

 private:
  std::uint32_t node_of(const Node& node);

  std::vector<Node> nodes_;
  std::vector<std::uint32_t> last_callee_;  ///< of each node, kRoot: none yet
  std::uint32_t last_outermost_ = kRoot;
  std::vector<Count> counts_;
  IndexTable index_of_node_;
  IndexTable index_of_count_;
};

}  // namespace vfsprof::harness
