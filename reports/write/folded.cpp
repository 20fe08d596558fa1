#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string>

#include "reports/analyze/characters.h"
#include "reports/write/chosen_arms.h"
#include "reports/write/writers.h"

namespace vfsprof::reports {
namespace {

/// A frame's name: on one line, and without what separates frames.
std::string frame_text(const std::string& name) {
  std::string text = printable(name);
  std::ranges::replace(text, ';', ':');
  return text.find_first_not_of(' ') == std::string::npos ? "[unknown]" : text;
}

/// Names as folded text, each made once.
class Folder {
 public:
  explicit Folder(const ArmStacks& arm) {
    for (const std::string& name : arm.stacks.names) names_.push_back(frame_text(name));
  }

  std::string line_of(const ClassifiedStack& stack) const {
    std::string line = frame_text(stack.role);
    for (const std::uint32_t frame : stack.frames) line += ";" + names_[frame];
    return line;
  }

 private:
  std::vector<std::string> names_;
};

}  // namespace

std::string write_folded(const Rendering& rendering) {
  const std::vector<ArmStacks> arms = chosen_arms(rendering);
  std::map<std::string, std::uint64_t> lines;
  for (const ArmStacks& arm : arms) {
    const Folder folder(arm);
    const std::string root = arms.size() > 1 ? frame_text(arm.name) + ";" : "";
    for (const ClassifiedStack& stack : arm.stacks.stacks) {
      if (stack.samples > 0) lines[root + folder.line_of(stack)] += stack.samples;
    }
  }
  std::string text;
  for (const auto& [line, samples] : lines) text += fmt::format("{} {}\n", line, samples);
  return text;
}

std::string write_folded_diff(const Rendering& rendering) {
  const StacksPair pair = chosen_comparison(rendering);
  const ClassifiedStacks &before = pair.before.stacks, &after = pair.after.stacks;
  // CPU time that a sample stands for, per operation: equal on both sides in the ordinary case.
  const auto sample_cost = [](const ClassifiedStacks& side) {
    const double sampled_ns =
        side.samples > 0 ? static_cast<double>(side.weight_ns) / static_cast<double>(side.samples)
                         : 0;
    return side.operations > 0 ? sampled_ns / static_cast<double>(side.operations) : 0;
  };
  const bool has_kernel = before.kernel_frames && after.kernel_frames;
  const double scale = has_kernel && sample_cost(before) > 0 && sample_cost(after) > 0
                           ? sample_cost(after) / sample_cost(before)
                           : 1;
  std::map<std::string, std::array<std::uint64_t, 2>> lines;
  for (const std::size_t side : {0U, 1U}) {
    const ArmStacks& arm = side == 0 ? pair.before : pair.after;
    const Folder folder(arm);
    for (const ClassifiedStack& stack : arm.stacks.stacks) {
      if (stack.samples > 0) lines[folder.line_of(stack)][side] += stack.samples;
    }
  }
  std::string text;
  for (const auto& [line, counts] : lines) {
    text += fmt::format("{} {} {}\n", line, counts[0],
                        std::llround(static_cast<double>(counts[1]) * scale));
  }
  return text;
}

}  // namespace vfsprof::reports
