#include "reports/write/flame_tree.h"

#include <algorithm>
#include <utility>

#include "reports/analyze/characters.h"

namespace vfsprof::reports {
namespace {

// No picture is legible beyond that; samples of deeper frames are their outer frame's own.
constexpr std::size_t kDeepest = 200;

}  // namespace

FlameTree::FlameTree() {
  nodes_.push_back({.name = "all", .category = std::nullopt, .children = {}, .sides = {}});
}

std::size_t FlameTree::child(std::size_t parent, const std::string& name,
                             std::optional<std::size_t> category) {
  const std::size_t name_id = name_ids_.try_emplace(name, name_ids_.size()).first->second;
  const auto [found, is_new] = children_.try_emplace({parent, name_id, category}, nodes_.size());
  if (is_new) {
    nodes_.push_back({.name = name, .category = category, .children = {}, .sides = {}});
    nodes_[parent].children.push_back(found->second);
  }
  return found->second;
}

void FlameTree::add(const ClassifiedStacks& stacks, std::size_t side, double scale,
                    const std::string& below) {
  std::vector<std::string> names;
  for (const std::string& name : stacks.names) names.push_back(shortened(printable(name)));
  for (const ClassifiedStack& stack : stacks.stacks) {
    const double value = static_cast<double>(stack.weight_ns) * scale;
    std::size_t at = 0;
    const auto count = [&] {
      nodes_[at].sides[side].value += value;
      nodes_[at].sides[side].samples += stack.samples;
    };
    const auto enter = [&](const std::string& name, std::optional<std::size_t> category) {
      at = child(at, name, category);
      count();
    };
    count();
    if (!below.empty()) enter(below, std::nullopt);
    enter(shortened(printable(stack.role)), std::nullopt);
    const std::size_t depth = std::min(stack.frames.size(), kDeepest);
    // What no rule knows has the colour of the unclassified at its innermost frame.
    const std::size_t colored = std::min(stack.deciding, stack.frames.size() - 1);
    for (std::size_t i = 0; i < depth; ++i) {
      enter(names[stack.frames[i]], i >= colored ? std::optional(stack.category) : std::nullopt);
    }
    nodes_[at].sides[side].self += value;
  }
}

void FlameTree::sort() {
  for (FlameNode& node : nodes_) {
    std::ranges::sort(node.children, [&](std::size_t a, std::size_t b) {
      return std::pair(std::string_view(nodes_[a].name), nodes_[a].category) <
             std::pair(std::string_view(nodes_[b].name), nodes_[b].category);
    });
  }
}

}  // namespace vfsprof::reports
