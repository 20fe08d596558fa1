#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "reports/analyze/classified_stacks.h"

namespace vfsprof::reports {

/// What a frame and all that it called cost.
struct FlameWeight {
  double value = 0;  ///< of width: CPU time per operation, or share of the whole
  double self = 0;   ///< the part of `value` spent in the frame itself
  std::uint64_t samples = 0;
};

/// A frame of a flame graph. From the frame that decided a sample's category inward, frames of
/// different categories are different nodes, so that each has one colour.
struct FlameNode {
  std::string name;  ///< printable
  std::optional<std::size_t> category;
  std::vector<std::size_t> children;  ///< indices, by name and category
  std::array<FlameWeight, 2> sides;   ///< one profile uses the first only
};

/// Merged call stacks of one or two profiles. Node 0 is the root, the thread roles are its
/// children.
class FlameTree {
 public:
  FlameTree();

  /// Adds a profile's stacks below the root, or below a node of that name where one is given.
  /// `scale` turns nanoseconds into FlameWeight::value.
  void add(const ClassifiedStacks& stacks, std::size_t side, double scale,
           const std::string& below = {});

  /// Sorts all children; called once, when everything is added.
  void sort();

  const std::vector<FlameNode>& nodes() const { return nodes_; }

 private:
  std::size_t child(std::size_t parent, const std::string& name,
                    std::optional<std::size_t> category);

  std::vector<FlameNode> nodes_;
  std::map<std::string, std::size_t> name_ids_;
  /// By parent, name and category: a frame may have called a hundred thousand others.
  std::map<std::tuple<std::size_t, std::size_t, std::optional<std::size_t>>, std::size_t> children_;
};

}  // namespace vfsprof::reports
