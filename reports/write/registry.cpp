#include "reports/write/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "reports/model/format_error.h"
#include "reports/write/writers.h"

namespace vfsprof::reports {
namespace {

constexpr std::array kFormats{
    Format{"md", "GitHub-flavoured Markdown, to be read", write_markdown},
    Format{"text", "the same for a terminal: tables of its width, colour", write_text},
    Format{"json", "every derived figure, for programs (reports/schema/report.schema.json)",
           write_json},
    Format{"folded", "folded stacks: role;frame;...;frame samples", write_folded, true},
    Format{"folded-diff", "folded stacks with samples before and after", write_folded_diff, true},
    Format{"flamegraph", "flame graph by thread role, coloured by category (SVG)", write_flamegraph,
           true},
    Format{"flamegraph-diff", "flame graphs after and before, coloured by change of cost (SVG)",
           write_flamegraph_diff, true},
};

const Format& find_format(std::string_view name) {
  std::string names;
  for (const Format& known : kFormats) {
    if (known.name == name) return known;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", known.name);
  }
  throw FormatError(fmt::format("unknown report format \"{}\"; there are: {}", name, names));
}

/// Letters, digits and a few signs: the same on every file system, and no path.
std::string file_part(const std::string& name) {
  constexpr std::size_t kLongestPart = 100;
  std::string part;
  for (const char c : name.substr(0, kLongestPart)) {
    const bool is_plain =
        std::isalnum(static_cast<unsigned char>(c)) != 0 || std::string_view("._=-").contains(c);
    part += is_plain ? c : '-';
  }
  return part;
}

/// None where all of the time was spent waiting.
bool has_samples(const ArmSummary& arm) { return arm.profile && arm.profile->samples > 0; }

}  // namespace

std::span<const Format> all_formats() { return kFormats; }

std::string render(const Rendering& rendering, std::string_view format) {
  return find_format(format).write(rendering);
}

std::string render(const Report& report, std::string_view format) {
  const Format& found = find_format(format);
  if (found.needs_samples) {
    throw FormatError(fmt::format("format \"{}\" needs the samples of a result", format));
  }
  static const RunResult no_result;
  static const RuleSet no_rules;
  return found.write({no_result, no_rules, report});
}

std::vector<FlameGraphFile> flame_graph_files(const Report& report) {
  std::vector<FlameGraphFile> files;
  const auto add = [&](const std::string& title, const std::string& stem, std::string_view format,
                       const std::string& arm) {
    std::string file = stem + ".svg";
    const auto is_taken = [&](const FlameGraphFile& other) { return other.file == file; };
    for (int i = 2; std::ranges::any_of(files, is_taken); ++i) {
      file = fmt::format("{}-{}.svg", stem, i);
    }
    files.push_back({title, file, format, arm});
  };
  for (const Comparison& comparison : report.comparisons) {
    const ArmSummary& before = report.arms[comparison.before];
    const ArmSummary& after = report.arms[comparison.after];
    if (comparison.verdict == Verdict::kVoid || !has_samples(before) || !has_samples(after))
      continue;
    const bool is_only_one = report.comparisons.size() == 1;
    add(is_only_one ? "difference" : fmt::format("difference of {}", after.arm.name),
        is_only_one ? "flamegraph-diff" : "flamegraph-diff-" + file_part(after.arm.name),
        "flamegraph-diff", fmt::format("#{}", comparison.after + 1));
  }
  for (std::size_t i = 0; i < report.arms.size(); ++i) {
    if (!has_samples(report.arms[i])) continue;
    const std::string& name = report.arms[i].arm.name;
    add(name, "flamegraph-" + file_part(name), "flamegraph", fmt::format("#{}", i + 1));
  }
  return files;
}

}  // namespace vfsprof::reports
