#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "reports/rules/rule_set.h"
#include "reports/write/flame_tree.h"

namespace vfsprof::reports {

// The parts of a flame graph that is one SVG file: it loads nothing, and without its script it is
// still a picture with tooltips.

/// Text as XML character data and attribute values. `text` is printable (characters.h).
std::string xml(std::string_view text);

/// A category's colour as "#rrggbb": categories of one group have one hue; light enough for black
/// text. The same in every picture made with these rules.
std::string category_color(const RuleSet& rules, std::size_t category);

/// Of frames outside of the one that decided, and of what did not change.
inline constexpr std::string_view kNeutralColor = "#e6e6e6";

struct LegendEntry {
  std::string color;
  std::string text;
};

/// One tree, drawn with the root at the bottom.
struct FlamePanel {
  std::string title;
  std::size_t side = 0;
  double widest = 0;  ///< the FlameWeight::value that fills the width
};

struct FlamePicture {
  std::string title;
  std::vector<std::string> caption;  ///< lines below the title
  std::vector<FlamePanel> panels;    ///< from the top
  std::vector<LegendEntry> legend;
  std::function<std::string(const FlameNode& node)> color;
  /// Lines of the tooltip below the name.
  std::function<std::string(const FlameNode& node, std::size_t side)> tooltip;
};

/// The whole file. Frames narrower than a tenth of a pixel are left out and counted in a line.
std::string draw_flames(const FlameTree& tree, const FlamePicture& picture);

}  // namespace vfsprof::reports
