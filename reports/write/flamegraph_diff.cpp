#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/analyze/arm_profile.h"
#include "reports/analyze/characters.h"
#include "reports/analyze/text.h"
#include "reports/write/chosen_arms.h"
#include "reports/write/svg.h"
#include "reports/write/writers.h"

namespace vfsprof::reports {
namespace {

// A count of n samples varies by its root; a difference within twice that is called noise.
constexpr double kNoiseDeviations = 2;

std::string mix(std::array<int, 3> from, std::array<int, 3> to, double part) {
  std::string color = "#";
  for (std::size_t i = 0; i < 3; ++i) {
    color +=
        fmt::format("{:02x}", static_cast<int>(std::lround(from[i] + part * (to[i] - from[i]))));
  }
  return color;
}

/// What one frame gained or lost between two profiles.
class Change {
 public:
  /// `sample_value`: the FlameWeight::value of one sample of each side.
  Change(const FlameNode& node, const std::array<double, 2>& sample_value)
      : before_(node.sides[0].value), after_(node.sides[1].value) {
    double variance = 0;
    for (const std::size_t side : {0U, 1U}) {
      variance +=
          static_cast<double>(node.sides[side].samples) * sample_value[side] * sample_value[side];
    }
    noise_ = kNoiseDeviations * std::sqrt(variance);
  }

  double difference() const { return after_ - before_; }
  bool is_noise() const { return std::abs(difference()) <= noise_; }

  /// `largest`: the difference that has the full colour.
  std::string color(double largest) const {
    if (is_noise()) return std::string(kNeutralColor);
    const double part = 0.2 + 0.8 * std::min(1.0, std::abs(difference()) / largest);
    return difference() > 0 ? mix({255, 255, 255}, {222, 60, 40}, part)
                            : mix({255, 255, 255}, {70, 130, 215}, part);
  }

 private:
  double before_;
  double after_;
  double noise_ = 0;
};

std::string value_text(double value, bool has_cost) {
  return has_cost ? format_duration(value) : fmt::format("{:.2f} %", 100 * value);
}

std::string difference_text(double difference, bool has_cost) {
  if (!has_cost) return format_signed(100 * difference, 2) + " pp";
  return (difference > 0 ? "+" : "") + format_duration(difference);
}

std::string tooltip(const FlameNode& node, const Change& change, bool has_cost,
                    const RuleSet& rules) {
  const FlameWeight &before = node.sides[0], &after = node.sides[1];
  const std::string_view unit = has_cost ? "per operation" : "of the CPU time";
  std::string text =
      fmt::format("before {} {} ({} samples)\nafter {} {} ({} samples)\nchange {}",
                  value_text(before.value, has_cost), unit, format_count(before.samples),
                  value_text(after.value, has_cost), unit, format_count(after.samples),
                  difference_text(change.difference(), has_cost));
  if (before.value > 0 && after.value > 0) {
    text += fmt::format(" ({})", format_change(after.value / before.value));
  } else {
    text += before.value > 0 ? " (gone)" : " (new)";
  }
  if (change.is_noise()) text += ", within the noise of the counts";
  if (before.self > 0 || after.self > 0) {
    text += fmt::format("\nitself {} before, {} after", value_text(before.self, has_cost),
                        value_text(after.self, has_cost));
  }
  if (node.category)
    text += fmt::format("\n{}", printable(category_of(rules, *node.category).title));
  return text;
}

}  // namespace

std::string write_flamegraph_diff(const Rendering& rendering) {
  const StacksPair pair = chosen_comparison(rendering);
  const std::array<const ArmStacks*, 2> sides{&pair.before, &pair.after};
  const bool has_cost = pair.before.stacks.operations > 0 && pair.after.stacks.operations > 0;
  FlameTree tree;
  std::array<double, 2> sample_value{};
  for (const std::size_t side : {0U, 1U}) {
    const ClassifiedStacks& stacks = sides[side]->stacks;
    const auto whole_ns = static_cast<double>(stacks.weight_ns);
    const double scale = 1 / (has_cost ? static_cast<double>(stacks.operations) : whole_ns);
    tree.add(stacks, side, scale);
    // CPU time that only the scheduler knows has no counts; it is as if it had been sampled.
    sample_value[side] =
        stacks.samples > 0 ? whole_ns * scale / static_cast<double>(stacks.samples) : 0;
  }
  tree.sort();
  const FlameNode& root = tree.nodes()[0];
  const double widest = std::max(root.sides[0].value, root.sides[1].value);
  double largest = 0;
  for (const FlameNode& node : tree.nodes()) {
    if (&node != &root)
      largest = std::max(largest, std::abs(Change(node, sample_value).difference()));
  }
  const auto panel = [&](std::size_t side) {
    const ClassifiedStacks& stacks = sides[side]->stacks;
    return FlamePanel{
        .title = fmt::format("{}: {}, {} of CPU time{} ({} samples)",
                             side == 0 ? "Before" : "After", sides[side]->name,
                             has_cost ? format_duration(root.sides[side].value) : "100 %",
                             has_cost ? " per operation" : "", format_count(stacks.samples)),
        .side = side,
        .widest = has_cost ? widest : root.sides[side].value};
  };
  const FlamePicture picture{
      .title = fmt::format("CPU time {}: {} -> {}", has_cost ? "per operation" : "by share",
                           pair.before.name, pair.after.name),
      .caption = {has_cost
                      ? "Both pictures have one scale: width is CPU time per operation, callers "
                        "below. Colour: change of a frame's cost, with all that it calls."
                      : "Operations were not counted, so cost is unavailable: width is the "
                        "share of CPU time, callers below. Colour: change of a frame's share.",
                  "What is new stands in the upper picture only, what is gone in the lower one. "
                  "Order: by name."},
      .panels = {panel(1), panel(0)},
      .legend = {{mix({255, 255, 255}, {70, 130, 215}, 1),
                  has_cost ? "costs less" : "smaller share"},
                 {mix({255, 255, 255}, {70, 130, 215}, 0.3), "a little less"},
                 {std::string(kNeutralColor), "within twice the standard deviation of the counts"},
                 {mix({255, 255, 255}, {222, 60, 40}, 0.3), "a little more"},
                 {mix({255, 255, 255}, {222, 60, 40}, 1),
                  has_cost ? "costs more" : "larger share"}},
      .color = [&](const FlameNode& node) { return Change(node, sample_value).color(largest); },
      .tooltip =
          [&](const FlameNode& node, std::size_t) {
            return tooltip(node, Change(node, sample_value), has_cost, rendering.rules);
          }};
  return draw_flames(tree, picture);
}

}  // namespace vfsprof::reports
