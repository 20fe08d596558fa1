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
  if (report.command == "import") return fmt::format("# {}, recorded\n\n", arms);
  return fmt::format("# {} on {}\n\n", arms, code(report.scenario.name));
}

std::string explanation(const std::vector<std::string>& paragraphs) {
  std::string text;
  for (const std::string& paragraph : paragraphs) text += paragraph + "\n\n";
  return text;
}

std::string write(const Report& report, const MarkdownDetail& detail) {
  std::string text = title(report);
  if (!report.key_finding.empty()) text += report.key_finding + "\n\n";
  for (const Comparison& comparison : report.comparisons) {
    text += markdown_comparison(report, comparison);
    text += markdown_wait_comparison(report, comparison);
  }
  text += explanation(report.explanation) + markdown_floors(report);
  if (!report.arms.empty()) text += markdown_work(report);
  for (const ArmSummary& arm : report.arms) text += markdown_profile(arm, detail);
  for (const ArmSummary& arm : report.arms) text += markdown_waits(arm, detail);
  text += markdown_document_rows(report) + markdown_limits(report) + markdown_environment(report);
  if (!report.arms.empty()) text += markdown_method(report);
  return text;
}

}  // namespace

std::string write_markdown(const Report& report) {
  std::string text;
  for (const double smallest : kDetailSteps) {
    text = write(report, {smallest});
    if (text.size() < kLongest) return text;
  }
  const std::string_view notice =
      "\n(The report was cut here for its length; the JSON report has all of it.)\n";
  text.resize(text.rfind('\n', kLongest - notice.size() - 1) + 1);
  return text + std::string(notice);
}

}  // namespace vfsprof::reports
