#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string_view>
#include <tuple>
#include <vector>

#include "reports/analyze/characters.h"
#include "reports/analyze/text.h"
#include "reports/write/markdown_parts.h"
#include "reports/write/markdown_table.h"
#include "reports/write/writers.h"

namespace vfsprof::reports {
namespace {

// GitHub refuses comments and issues of 65,536 characters and more; the rest is for what is written
// around the report there.
constexpr std::size_t kLongest = 65'000;
constexpr std::size_t kComfortable = 55'000;
constexpr std::array<MarkdownDetail, 6> kDetails{{{},
                                                  {0.0005, 8, 12, false},
                                                  {0.002, 6, 10, false},
                                                  {0.005, 5, 8, false},
                                                  {0.01, 4, 6, false},
                                                  {0.02, 4, 4, false}}};

/// A part of the report. What has the highest rank is left out first, where all is too long.
struct Section {
  std::string title;
  std::string text;
  int rank = 0;
};
constexpr int kAlways = 0, kVerdicts = 1, kReasons = 2, kWork = 3, kDetailsOfPast = 4, kWaits = 5,
              kBackground = 6;

std::string title(const Report& report) {
  if (report.arms.empty()) return "# Floors of this machine\n\n";
  std::string arms;
  for (const ArmSummary& arm : report.arms) {
    arms += (arms.empty() ? "" : " against ") + code(arm.arm.name);
  }
  if (report.command == "profile") return fmt::format("# {}, observed\n\n", arms);
  if (report.command == "import") return fmt::format("# {}, recorded\n\n", arms);
  return fmt::format("# {} on {}\n\n", arms, code(report.scenario.name));
}

std::string explanation(const std::vector<std::string>& paragraphs) {
  std::string text = paragraphs.empty() ? "" : "## What it comes from\n\n";
  for (const std::string& paragraph : paragraphs) text += paragraph + "\n\n";
  return text;
}

/// "Flame graphs: [a](flamegraph-a.svg)."
std::string links(const std::vector<LinkedFile>& files) {
  std::string text;
  for (const LinkedFile& file : files) {
    text += fmt::format("{}[{}]({})", text.empty() ? "Flame graphs: " : ", ", plain(file.title),
                        file.file);
  }
  return text.empty() ? "" : text + ".\n\n";
}

/// What concerns one arm by itself; of an arm that others are compared with it is folded away.
void add_arms(const Report& report, std::vector<Section>& sections,
              const std::function<Section(std::size_t)>& make) {
  for (std::size_t i = 0; i < report.arms.size(); ++i) {
    Section section = make(i);
    if (i == 0 && report.arms.size() > 1 && !section.text.empty()) {
      section.title += " (before)";
      section.text = folded(section.title, section.text);
      section.rank = std::max(section.rank, kDetailsOfPast);
    }
    sections.push_back(std::move(section));
  }
}

std::vector<Section> sections_of(const Report& report, const RenderOptions& options,
                                 const MarkdownDetail& detail) {
  std::vector<Section> all;
  const auto name = [&](std::size_t arm) -> const std::string& {
    return report.arms[arm].arm.name;
  };
  all.push_back({"", title(report) + markdown_summary(report) + links(options.links), kAlways});
  add_arms(report, all, [&](std::size_t i) -> Section {
    return {"Where the time goes: " + name(i), markdown_profile(report.arms[i], detail), kReasons};
  });
  add_arms(report, all, [&](std::size_t i) -> Section {
    const auto found = std::ranges::find(report.opportunities, i, &ArmOpportunities::arm);
    if (found == report.opportunities.end()) return {};
    return {"Opportunities in " + name(i), markdown_opportunities(report, *found, detail),
            kReasons};
  });
  for (const Comparison& comparison : report.comparisons) {
    const std::string arms = name(comparison.before) + " -> " + name(comparison.after);
    all.push_back(
        {"Before and after: " + arms,
         markdown_comparison(report, comparison, detail) + markdown_bursts(report, comparison),
         kVerdicts});
    all.push_back({"Waits: " + arms, markdown_wait_comparison(report, comparison), kWork});
  }
  all.push_back({"Layers", markdown_layers(report), kVerdicts});
  all.push_back({"What it comes from", explanation(report.explanation), kVerdicts});
  all.push_back({"Next steps", markdown_next_steps(report), kVerdicts});
  all.push_back({"Beside its floor", markdown_floors(report), kWork});
  if (!report.arms.empty()) {
    all.push_back({"Throughput, latency and cost", markdown_work(report), kWork});
  }
  add_arms(report, all, [&](std::size_t i) -> Section {
    return {"Waits of " + name(i), markdown_waits(report.arms[i], detail), kWaits};
  });
  all.push_back({"Counted events", markdown_events(report), kWaits});
  all.push_back({"Cost of observing", markdown_observing(report), kBackground});
  all.push_back({"Rows of the analysis document", markdown_document_rows(report), kBackground});
  all.push_back({"What could not be measured", markdown_limits(report), kWork});
  all.push_back({"Environment", folded("Environment", markdown_environment(report)), kWaits});
  if (!report.arms.empty()) {
    all.push_back({"Method", folded("Method", markdown_method(report)), kBackground});
  }
  return all;
}

std::size_t length_of(const std::vector<Section>& sections) {
  std::size_t sum = 0;
  for (const Section& section : sections) sum += section.text.size();
  return sum;
}

/// Leaves out whole sections, the longest of the least important first, until the rest fits beside
/// the list of what is missing. Returns that list.
std::string leave_out(std::vector<Section>& sections) {
  std::string notice;
  constexpr std::string_view kAround =
      "## Left out for its length\n\nThe JSON report has all of this: .\n";
  while (length_of(sections) + notice.size() + kAround.size() >= kLongest) {
    const auto next = std::ranges::max_element(sections, [](const Section& a, const Section& b) {
      return std::tuple(a.text.empty() ? -1 : a.rank, a.text.size()) <
             std::tuple(b.text.empty() ? -1 : b.rank, b.text.size());
    });
    if (next->rank == kAlways) break;
    notice += (notice.empty() ? "" : "; ") + plain(shortened(next->title));
    next->text.clear();
  }
  return notice.empty()
             ? ""
             : "## Left out for its length\n\nThe JSON report has all of this: " + notice + ".\n";
}

}  // namespace

std::string folded(const std::string& title, const std::string& text) {
  if (text.empty()) return "";
  return fmt::format("<details><summary>{}</summary>\n\n{}</details>\n\n", plain(title), text);
}

std::string write_markdown(const Rendering& rendering) {
  std::vector<Section> sections;
  for (const MarkdownDetail& detail : kDetails) {
    sections = sections_of(rendering.report, rendering.options, detail);
    if (length_of(sections) < kComfortable) break;
  }
  const std::string notice = length_of(sections) < kLongest ? "" : leave_out(sections);
  std::string text;
  for (const Section& section : sections) text += section.text;
  text += notice;
  if (text.size() < kLongest) return text;
  // So many arms that even their names are too long.
  constexpr std::string_view kCut =
      "\n(The report was cut here for its length; the JSON report has all of it.)\n";
  text.resize(text.rfind('\n', kLongest - kCut.size() - 1) + 1);
  return text + std::string(kCut);
}

}  // namespace vfsprof::reports
