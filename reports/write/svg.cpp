#include "reports/write/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/analyze/arm_profile.h"
#include "reports/analyze/characters.h"
#include "reports/rules/embedded.h"

namespace vfsprof::reports {
namespace {

// Pixels.
constexpr double kWidth = 1200;
constexpr double kMargin = 10;
constexpr double kInner = kWidth - 2 * kMargin;
constexpr double kFrameHeight = 17;
constexpr double kCharacterWidth = 6.65;  // of the 11 px monospace font
constexpr double kLineHeight = 16;
constexpr double kNarrowest = 0.1;

constexpr std::string_view kStyle =
    "text{font:11px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;fill:#000}"
    ".h{font-size:15px;font-weight:bold}.b{font-weight:bold}.c{fill:#444}"
    ".l{cursor:pointer;fill:#0645ad}.f{cursor:pointer}"
    ".f:hover rect{stroke:#000;stroke-width:1}.f text{pointer-events:none}"
    ".m rect{fill:#d000d0}.p{opacity:.55}";

std::string hue_color(double hue, double saturation, double lightness) {
  const double chroma = saturation * std::min(lightness, 1 - lightness);
  const auto channel = [&](double n) {
    const double k = std::fmod(n + hue / 30, 12);
    const double value = lightness - chroma * std::max(-1.0, std::min({k - 3, 9 - k, 1.0}));
    return static_cast<int>(std::lround(255 * value));
  };
  return fmt::format("#{:02x}{:02x}{:02x}", channel(0), channel(8), channel(4));
}

std::string text_at(double x, double y, std::string_view style, const std::string& text) {
  return fmt::format("<text class=\"{}\" x=\"{:g}\" y=\"{:g}\">{}</text>\n", style, x, y,
                     xml(text));
}

/// Without the outermost of its namespaces and classes; empty if it has none.
std::string_view without_scope(std::string_view name) {
  const std::size_t at = name.find("::");
  return at == std::string_view::npos ? std::string_view() : name.substr(at + 2);
}

/// As much of a name as fits; nothing where not even three characters do. Namespaces and classes
/// go first: the end of a name says most.
std::string fitting(std::string_view name, double width) {
  const auto room = static_cast<std::size_t>(std::max(0.0, (width - 4) / kCharacterWidth));
  if (room < 3) return "";
  while (display_width(name) > room && !without_scope(name).empty()) name = without_scope(name);
  if (display_width(name) <= room) return std::string(name);
  std::string result;
  for (std::size_t used = 0; !name.empty();) {
    const auto c = take_character(name);
    if (!c || used + display_width(*c) >= room) break;
    used += display_width(*c);
    append_utf8(result, *c);
  }
  return result + "…";
}

class Painter {
 public:
  Painter(const FlameTree& tree, const FlamePicture& picture) : tree_(tree), picture_(picture) {}

  std::string paint() {
    y_ = 24;
    body_ += text_at(kMargin, y_, "h", picture_.title);
    for (const std::string& line : picture_.caption) {
      y_ += kLineHeight;
      body_ += text_at(kMargin, y_, "c", line);
    }
    y_ += kLineHeight + 4;
    body_ += fmt::format(
        "<g id=\"tools\" visibility=\"hidden\"><text class=\"l\" id=\"reset\" x=\"{0:g}\" "
        "y=\"{1:g}\">reset zoom</text><text class=\"l\" id=\"search\" x=\"{2:g}\" "
        "y=\"{1:g}\">search</text><text class=\"c\" id=\"found\" x=\"{3:g}\" "
        "y=\"{1:g}\"> </text></g>\n",
        kMargin, y_, kMargin + 90, kMargin + 150);
    for (const FlamePanel& panel : picture_.panels) add_panel(panel);
    y_ += kLineHeight;
    body_ += fmt::format("<text class=\"b\" id=\"details\" x=\"{:g}\" y=\"{:g}\"> </text>\n",
                         kMargin, y_);
    add_legend();
    if (left_out_ > 0) {
      y_ += kLineHeight;
      body_ += text_at(kMargin, y_, "c",
                       fmt::format("{} frames are narrower than a tenth of a pixel and not drawn; "
                                   "their time is within the frames below them.",
                                   left_out_));
    }
    return document();
  }

 private:
  std::string document() const {
    const double height = y_ + kMargin;
    return fmt::format(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:g}\" height=\"{1:g}\" viewBox=\"0 0 "
        "{0:g} {1:g}\">\n<title>{2}</title>\n<style>{3}</style>\n<rect width=\"100%\" "
        "height=\"100%\" fill=\"#fff\"/>\n{4}<script><![CDATA[\n{5}]]></script>\n</svg>\n",
        kWidth, height, xml(picture_.title), kStyle, body_, embedded_text("flamegraph.js"));
  }

  std::size_t depth_of(std::size_t index, const FlamePanel& panel) const {
    std::size_t deepest = 0;
    for (const std::size_t child : tree_.nodes()[index].children) {
      if (width_of(child, panel) >= kNarrowest) {
        deepest = std::max(deepest, depth_of(child, panel));
      }
    }
    return deepest + 1;
  }

  double width_of(std::size_t index, const FlamePanel& panel) const {
    if (panel.widest <= 0) return 0;
    return tree_.nodes()[index].sides[panel.side].value / panel.widest * kInner;
  }

  void add_panel(const FlamePanel& panel) {
    y_ += kLineHeight + 4;
    if (!panel.title.empty()) body_ += text_at(kMargin, y_, "b", panel.title);
    y_ += 6 + kFrameHeight * static_cast<double>(depth_of(0, panel));
    body_ += "<g class=\"panel\">\n";
    add_frame(0, panel, kMargin, y_ - kFrameHeight);
    body_ += "</g>\n";
    y_ += 4;
  }

  void add_frame(std::size_t index, const FlamePanel& panel, double x, double y) {
    const FlameNode& node = tree_.nodes()[index];
    const double width = width_of(index, panel);
    if (width < kNarrowest) {
      left_out_ += node.sides[panel.side].value > 0 ? 1 : 0;
      return;
    }
    body_ += fmt::format(
        "<g class=\"f\"><title>{}\n{}</title><rect x=\"{:.2f}\" y=\"{:g}\" width=\"{:.2f}\" "
        "height=\"{:g}\" fill=\"{}\" rx=\"1\"/>",
        xml(node.name), xml(picture_.tooltip(node, panel.side)), x, y, width, kFrameHeight - 1,
        picture_.color(node));
    if (const std::string label = fitting(node.name, width); !label.empty()) {
      body_ += fmt::format("<text x=\"{:.2f}\" y=\"{:g}\">{}</text>", x + 2, y + 12, xml(label));
    }
    body_ += "</g>\n";
    for (const std::size_t child : node.children) {
      add_frame(child, panel, x, y - kFrameHeight);
      x += width_of(child, panel);
    }
  }

  void add_legend() {
    double x = kMargin;
    y_ += kLineHeight + 4;
    for (const LegendEntry& entry : picture_.legend) {
      const double width =
          20 + kCharacterWidth * static_cast<double>(display_width(entry.text)) + 14;
      if (x > kMargin && x + width > kWidth - kMargin) {
        x = kMargin;
        y_ += kLineHeight + 2;
      }
      body_ += fmt::format(
          "<rect x=\"{:g}\" y=\"{:g}\" width=\"14\" height=\"12\" fill=\"{}\" stroke=\"#999\"/>", x,
          y_ - 10, entry.color);
      body_ += text_at(x + 20, y_, "c", entry.text);
      x += width;
    }
  }

  const FlameTree& tree_;
  const FlamePicture& picture_;
  std::string body_;
  double y_ = 0;
  std::size_t left_out_ = 0;
};

}  // namespace

std::string xml(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '&':
        result += "&amp;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

std::string category_color(const RuleSet& rules, std::size_t category) {
  if (category == rules.categories.size()) return "#9a9a9a";  // unclassified
  if (category > rules.categories.size()) return "#c4c4d4";   // kernel, not resolved
  // One hue per group, in the order of the rules; neighbours on the list are far apart.
  std::vector<std::string_view> groups;
  std::size_t hue = 0, within = 0;
  for (std::size_t i = 0; i <= category; ++i) {
    const Category& each = rules.categories[i];
    const std::string_view group = each.group.empty() ? each.id : each.group;
    const auto known = std::ranges::find(groups, group);
    if (i == category) {
      hue = static_cast<std::size_t>(known - groups.begin());
      for (std::size_t j = 0; j < i; ++j)
        within += !each.group.empty() && rules.categories[j].group == each.group;
    }
    if (known == groups.end()) groups.push_back(group);
  }
  constexpr double kGoldenAngle = 137.508;
  return hue_color(std::fmod(12 + kGoldenAngle * static_cast<double>(hue), 360),
                   hue % 2 == 0 ? 0.85 : 0.42, 0.60 + 0.07 * static_cast<double>(within % 4));
}

std::string draw_flames(const FlameTree& tree, const FlamePicture& picture) {
  return Painter(tree, picture).paint();
}

}  // namespace vfsprof::reports
