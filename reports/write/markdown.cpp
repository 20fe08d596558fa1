#include <fmt/format.h>

#include "reports/analyze/text.h"
#include "reports/write/markdown_parts.h"
#include "reports/write/markdown_table.h"
#include "reports/write/writers.h"

namespace vfsprof::reports {
namespace {

// GitHub refuses comments and issues of 65,536 characters and more.
constexpr std::size_t kLongest = 65'000;
constexpr double kDetailSteps[] = {0, 0.0005, 0.002, 0.01};

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

std::string write(const Report& report, const RenderOptions& options,
                  const MarkdownDetail& detail) {
  std::string text = title(report) + markdown_summary(report) + links(options.links);
  for (const ArmSummary& arm : report.arms) {
    const bool is_past = report.arms.size() > 1 && &arm == &report.arms.front();
    const std::string profile = markdown_profile(arm, detail);
    text += is_past ? folded(fmt::format("Where the time goes: {} (before)", arm.arm.name), profile)
                    : profile;
  }
  text += markdown_opportunities(report);
  for (const Comparison& comparison : report.comparisons) {
    text += markdown_comparison(report, comparison) + markdown_bursts(report, comparison) +
            markdown_wait_comparison(report, comparison);
  }
  text += markdown_layers(report);
  text += explanation(report.explanation) + markdown_next_steps(report) + markdown_floors(report);
  if (!report.arms.empty()) text += markdown_work(report);
  for (const ArmSummary& arm : report.arms) text += markdown_waits(arm, detail);
  text += markdown_events(report) + markdown_observing(report);
  text += markdown_document_rows(report) + markdown_limits(report);
  text += folded("Environment", markdown_environment(report));
  if (!report.arms.empty()) text += folded("Method", markdown_method(report));
  return text;
}

}  // namespace

std::string folded(const std::string& title, const std::string& text) {
  if (text.empty()) return "";
  return fmt::format("<details><summary>{}</summary>\n\n{}</details>\n\n", plain(title), text);
}

std::string write_markdown(const Rendering& rendering) {
  std::string text;
  for (const double smallest : kDetailSteps) {
    text = write(rendering.report, rendering.options, {smallest});
    if (text.size() < kLongest) return text;
  }
  const std::string_view notice =
      "\n(The report was cut here for its length; the JSON report has all of it.)\n";
  text.resize(text.rfind('\n', kLongest - notice.size() - 1) + 1);
  return text + std::string(notice);
}

}  // namespace vfsprof::reports
