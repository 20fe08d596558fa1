#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "reports/analyze/arm_profile.h"
#include "reports/analyze/characters.h"
#include "reports/analyze/text.h"
#include "reports/write/chosen_arms.h"
#include "reports/write/svg.h"
#include "reports/write/writers.h"

namespace vfsprof::reports {
namespace {

std::string percent(double share) {
  return share < 0.01 ? format_share(share) : fmt::format("{:.1f} %", 100 * share);
}

std::string caption(const ArmStacks& arm) {
  const ClassifiedStacks& stacks = arm.stacks;
  std::string text =
      fmt::format("{}: {} samples of {} in {} round{}", arm.name, format_count(stacks.samples),
                  printable(stacks.event), stacks.rounds, stacks.rounds == 1 ? "" : "s");
  if (stacks.elapsed_ns > 0) {
    text += fmt::format(" of together {}", format_duration(static_cast<double>(stacks.elapsed_ns)));
  }
  text += stacks.operations > 0
              ? fmt::format(", {} operations, {} of CPU time each", format_count(stacks.operations),
                            format_duration(static_cast<double>(stacks.weight_ns) /
                                            static_cast<double>(stacks.operations)))
              : ", operations not counted";
  return text + (stacks.kernel_frames ? "" : "; the kernel could not be sampled");
}

/// The categories in a picture, largest first.
std::vector<LegendEntry> legend(const std::vector<ArmStacks>& arms, const RuleSet& rules) {
  std::map<std::size_t, std::uint64_t> weights;
  std::uint64_t whole = 0;
  for (const ArmStacks& arm : arms) {
    for (const ClassifiedStack& stack : arm.stacks.stacks) {
      weights[stack.category] += stack.weight_ns;
      whole += stack.weight_ns;
    }
  }
  std::vector<std::pair<std::uint64_t, std::size_t>> sorted;
  for (const auto& [category, weight] : weights) sorted.emplace_back(weight, category);
  std::ranges::sort(sorted, [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  std::vector<LegendEntry> entries;
  for (const auto& [weight, category] : sorted) {
    entries.push_back(
        {category_color(rules, category),
         fmt::format("{} {}", printable(category_of(rules, category).title),
                     percent(static_cast<double>(weight) / static_cast<double>(whole)))});
  }
  entries.push_back({std::string(kNeutralColor), "callers of these"});
  return entries;
}

}  // namespace

std::string write_flamegraph(const Rendering& rendering) {
  const std::vector<ArmStacks> arms = chosen_arms(rendering);
  FlameTree tree;
  for (const ArmStacks& arm : arms) {
    tree.add(arm.stacks, 0, 1, arms.size() > 1 ? arm.name : "");
  }
  tree.sort();
  const RuleSet& rules = rendering.rules;
  const double whole = tree.nodes()[0].sides[0].value;
  // With several arms in one picture no operation is common to all.
  const std::uint64_t operations = arms.size() == 1 ? arms[0].stacks.operations : 0;
  FlamePicture picture{
      .title = fmt::format("CPU time by thread and function: {}",
                           arms.size() == 1 ? arms[0].name : "all arms"),
      .caption = {},
      .panels = {{.title = "", .side = 0, .widest = whole}},
      .legend = legend(arms, rules),
      .color =
          [&](const FlameNode& node) {
            return node.category ? category_color(rules, *node.category)
                                 : std::string(kNeutralColor);
          },
      .tooltip =
          [&](const FlameNode& node, std::size_t) {
            const FlameWeight& weight = node.sides[0];
            std::string text =
                fmt::format("{} of the CPU time ({} samples)", percent(weight.value / whole),
                            format_count(weight.samples));
            if (weight.self > 0) {
              text += fmt::format("\nitself {}", percent(weight.self / whole));
            }
            if (operations > 0) {
              text += fmt::format("\n{} per operation",
                                  format_duration(weight.value / static_cast<double>(operations)));
            }
            if (node.category) {
              text += fmt::format("\n{}", printable(category_of(rules, *node.category).title));
            }
            return text;
          }};
  for (const ArmStacks& arm : arms) picture.caption.push_back(caption(arm));
  picture.caption.push_back(
      "Width: CPU time, callers below. Colour: the category, from the frame that decided it "
      "upward. Order: by name.");
  return draw_flames(tree, picture);
}

}  // namespace vfsprof::reports
