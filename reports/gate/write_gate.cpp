#include "reports/gate/write_gate.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "reports/analyze/characters.h"
#include "reports/analyze/text.h"
#include "reports/write/markdown_table.h"
#include "reports/write/svg.h"

namespace vfsprof::reports {
namespace {

using Json = nlohmann::ordered_json;
using Align = MarkdownTable::Align;

constexpr std::size_t kMostCells = 12;
constexpr std::size_t kMostListed = 20;  // of refusals and notes

std::string figure(const std::string& unit, double value) {
  return unit.starts_with("ns") ? format_duration(value) : format_number(value);
}

std::string limit_text(const GateRow& row) {
  const Limit& limit = row.policy.limit;
  if (limit.relative == 0 && limit.absolute == 0) return "none";
  std::string text;
  if (limit.relative > 0) text = fmt::format("{:g} %", 100 * limit.relative);
  if (limit.absolute > 0) {
    text += fmt::format("{}{}", text.empty() ? "" : " or ", figure(row.unit, limit.absolute));
  }
  return text;
}

std::string interval_text(const std::optional<MedianInterval>& interval) {
  if (!interval) return "";
  return fmt::format("{:.4f} to {:.4f}", interval->interval.low, interval->interval.high);
}

std::string verdict_text(const GateRow& row) {
  if (!row.not_judged.empty()) return "not judged: " + row.not_judged;
  const MetricVerdict& verdict = row.verdict;
  std::string text(to_string(verdict.judgement));
  if (verdict.judgement != Judgement::kUndecided) return text;
  text += ": " + verdict.reason;
  if (verdict.minimum_detectable_effect) {
    text += fmt::format("; minimum detectable effect {:.2f} %",
                        100 * *verdict.minimum_detectable_effect);
  }
  return text;
}

bool is_fine(const GateRow& row) {
  return row.not_judged.empty() ? passes(row.verdict.judgement) : row.policy.optional;
}

std::string rows_table(const GateScenario& scenario) {
  MarkdownTable table({{"Metric"},
                       {"Baseline", Align::kRight},
                       {"Candidate", Align::kRight},
                       {"Change", Align::kRight},
                       {"Interval of the ratio", Align::kRight},
                       {"Control", Align::kRight},
                       {"Allowed", Align::kRight},
                       {"n", Align::kRight},
                       {"Tier"},
                       {"Verdict"}});
  for (const GateRow& row : scenario.rows) {
    const MetricVerdict& v = row.verdict;
    const bool seen = v.pairs > 0;
    const std::string name = fmt::format("{}, {}", row.title, row.unit);
    table.add({plain(row.unit.empty() ? row.title : name), seen ? figure(row.unit, v.before) : "",
               seen ? figure(row.unit, v.after) : "", seen ? format_change(v.ratio) : "",
               interval_text(v.interval), interval_text(v.control_interval), limit_text(row),
               std::to_string(v.pairs), seen ? std::string(to_string(v.tier)) : "",
               is_fine(row) ? plain(verdict_text(row))
                            : fmt::format("**{}**", plain(verdict_text(row)))});
  }
  return table.take() + "\n";
}

std::string exploratory_table(const GateScenario& scenario) {
  if (scenario.exploratory.empty()) return "";
  MarkdownTable table({{"Metric"}, {"Baseline", Align::kRight}, {"Candidate", Align::kRight}});
  for (const ExploratoryRow& row : scenario.exploratory) {
    table.add({plain(fmt::format("{}, {}", row.title, row.unit)), figure(row.unit, row.before),
               figure(row.unit, row.after)});
  }
  return fmt::format(
      "<details><summary>Exploratory: not judged, no say in the outcome</summary>\n\n{}\n"
      "</details>\n\n",
      table.take());
}

/// "Look first at": the cell that explains most, in a sentence.
std::string first_cell(const MovedCell& cell) {
  std::string text =
      fmt::format("Look first at {} of the threads {}", plain(cell.title), code(cell.role));
  if (!cell.counted.empty()) text += fmt::format(": {}", plain(cell.counted));
  return text + ".\n\n";
}

std::string cells_table(const GateScenario& scenario) {
  const Attribution& moved = scenario.attribution;
  if (moved.cells.empty()) return "";
  if (!moved.absent.empty()) return first_cell(moved.cells.front());
  MarkdownTable table({{"Thread"},
                       {"Category"},
                       {"ns per operation", Align::kRight},
                       {"95 % interval", Align::kRight},
                       {"Surely", Align::kRight},
                       {"Part", Align::kRight},
                       {"Counted"},
                       {"By"}});
  for (std::size_t i = 0; i < std::min(moved.cells.size(), kMostCells); ++i) {
    const MovedCell& cell = moved.cells[i];
    const auto& interval = cell.cost_ns.interval;
    table.add({code(cell.role), plain(cell.title), format_signed(cell.cost_ns.value, 0),
               interval ? fmt::format("{} to {}", format_signed(interval->low, 0),
                                      format_signed(interval->high, 0))
                        : "",
               fmt::format("{:.0f}", cell.certain_ns), fmt::format("{:.0f} %", 100 * cell.part),
               plain(cell.counted), cell.frames.empty() ? "" : code(cell.frames.front().name)});
  }
  return first_cell(moved.cells.front()) +
         fmt::format(
             "Where the change of {} ns CPU time per operation comes from, by profiling rounds; "
             "what was counted to have grown first. Surely: beyond what equal arms show.\n\n{}\n"
             "Left unexplained: {} ns.\n\n",
             format_signed(moved.change_ns, 0), table.take(),
             format_signed(moved.unexplained_ns, 0));
}

std::string list(const std::vector<std::string>& lines) {
  std::string text;
  for (std::size_t i = 0; i < std::min(lines.size(), kMostListed); ++i) {
    text += fmt::format("- {}\n", plain(lines[i]));
  }
  return text.empty() ? "" : text + "\n";
}

std::string scenario_section(const GateScenario& scenario) {
  std::string text =
      fmt::format("### {}: {}\n\n", code(scenario.name),
                  scenario.refusals.empty() ? to_string(scenario.outcome) : "nothing is judged");
  if (!scenario.baseline.empty()) {
    text += fmt::format("{} -> {}{}\n\n", code(scenario.baseline), code(scenario.candidate),
                        scenario.stored ? ", from stored results: judged are counts only, because "
                                          "the two did not take turns"
                                        : ", in turns, with a control arm");
  }
  text += list(scenario.refusals) + list(scenario.notes);
  if (scenario.refusals.empty()) text += rows_table(scenario);
  return text + cells_table(scenario) + exploratory_table(scenario);
}

std::string outcome_text(const GateReport& report) {
  return report.refused ? "refused" : std::string(to_string(report.outcome));
}

Json interval_json(const std::optional<MedianInterval>& interval) {
  if (!interval) return nullptr;
  // JSON has no infinity: an open end is null.
  const auto end = [](double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); };
  return {{"low", end(interval->interval.low)},
          {"high", end(interval->interval.high)},
          {"confidence", interval->confidence}};
}

Json number_json(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json row_json(const GateRow& row) {
  const MetricVerdict& v = row.verdict;
  Json json{
      {"metric", row.policy.metric},
      {"role", row.policy.role},
      {"category", row.policy.category},
      {"title", row.title},
      {"unit", row.unit},
      {"limit", {{"relative", row.policy.limit.relative}, {"absolute", row.policy.limit.absolute}}},
      {"optional", row.policy.optional},
      {"verdict", row.not_judged.empty() ? std::string(to_string(v.judgement)) : "not judged"},
      {"reason", row.not_judged.empty() ? v.reason : row.not_judged},
      {"tier", to_string(v.tier)},
      {"pairs", v.pairs},
      {"before", number_json(v.before)},
      {"after", number_json(v.after)},
      {"ratio", number_json(v.ratio)},
      {"ratio_interval", interval_json(v.interval)},
      {"control_interval", interval_json(v.control_interval)},
      {"control_failed", v.control_failed}};
  json["minimum_detectable_effect"] =
      v.minimum_detectable_effect ? Json(*v.minimum_detectable_effect) : Json(nullptr);
  return json;
}

Json scenario_json(const GateScenario& scenario) {
  Json rows = Json::array(), cells = Json::array(), exploratory = Json::array();
  for (const GateRow& row : scenario.rows) rows.push_back(row_json(row));
  for (const MovedCell& cell : scenario.attribution.cells) {
    cells.push_back({{"role", cell.role},
                     {"category", cell.id},
                     {"cost_ns_per_operation", cell.cost_ns.value},
                     {"certain_ns_per_operation", cell.certain_ns},
                     {"counted", cell.counted},
                     {"part", cell.part}});
  }
  for (const ExploratoryRow& row : scenario.exploratory) {
    exploratory.push_back({{"title", row.title},
                           {"unit", row.unit},
                           {"before", number_json(row.before)},
                           {"after", number_json(row.after)}});
  }
  return {{"scenario", scenario.name},
          {"baseline", scenario.baseline},
          {"candidate", scenario.candidate},
          {"stored", scenario.stored},
          {"outcome", to_string(scenario.outcome)},
          {"refusals", scenario.refusals},
          {"notes", scenario.notes},
          {"metrics", rows},
          {"moved_cells", cells},
          {"unexplained_ns_per_operation", scenario.attribution.unexplained_ns},
          {"exploratory", exploratory}};
}

std::string attribute(std::string_view text) { return xml(printable(text)); }

std::string test_case(const GateScenario& scenario, const GateRow& row) {
  const std::string text = attribute(verdict_text(row));
  std::string body;
  if (!row.not_judged.empty() && row.policy.optional) {
    body = fmt::format("<skipped>{}</skipped>", text);
  } else if (!row.not_judged.empty() || row.verdict.judgement == Judgement::kUndecided) {
    body = fmt::format("<error type=\"undecided\" message=\"{}\"/>", text);
  } else if (!passes(row.verdict.judgement)) {
    body = fmt::format(
        "<failure type=\"regressed\" message=\"{}: {} to {}, interval of the ratio {}\"/>", text,
        attribute(figure(row.unit, row.verdict.before)),
        attribute(figure(row.unit, row.verdict.after)), interval_text(row.verdict.interval));
  }
  return fmt::format("    <testcase classname=\"{}\" name=\"{}\" time=\"0\">{}</testcase>\n",
                     attribute("vfsprof." + scenario.name), attribute(row_name(row)), body);
}

struct Counts {
  std::size_t tests = 0, failures = 0, errors = 0, skipped = 0;
};

Counts count_cases(const GateScenario& scenario) {
  Counts counts{.tests = scenario.rows.size()};
  for (const GateRow& row : scenario.rows) {
    const bool judged = row.not_judged.empty();
    if (is_fine(row)) {
      counts.skipped += judged ? 0 : 1;
    } else {
      (judged && row.verdict.judgement == Judgement::kRegressed ? counts.failures
                                                                : counts.errors) += 1;
    }
  }
  return counts;
}

/// As GitHub's runner reads it back: toolkit, command.ts.
std::string escaped(std::string_view text, bool is_property) {
  std::string out;
  for (const char c : text) {
    if (c == '%' || c == '\r' || c == '\n' || (is_property && (c == ':' || c == ','))) {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out;
}

std::string annotation(std::string_view level, const std::string& title, const std::string& text) {
  return fmt::format("::{} title={}::{}\n", level, escaped(printable(title), true),
                     escaped(printable(text), false));
}

}  // namespace

std::string row_name(const GateRow& row) {
  std::string name = row.policy.metric;
  if (!row.policy.role.empty()) name += ", " + row.policy.role;
  if (!row.policy.category.empty()) name += ", " + row.policy.category;
  return name;
}

std::string gate_markdown(const GateReport& report) {
  std::string text =
      fmt::format("## vfsprof gate {}: **{}**\n\n", code(report.policy), outcome_text(report));
  for (const GateScenario& scenario : report.scenarios) {
    const std::string section = scenario_section(scenario);
    constexpr std::size_t kMost = 60'000;  // GitHub's limit is 65,536 characters
    if (text.size() + section.size() > kMost) {
      text += fmt::format("### {}: {}, left out here; gate.json has it\n\n", code(scenario.name),
                          to_string(scenario.outcome));
      continue;
    }
    text += section;
  }
  return text + fmt::format("All verdicts together hold at {:g} %, each test at {:.4f} %.\n",
                            100 * report.confidence, 100 * report.each_confidence);
}

std::string gate_json(const GateReport& report) {
  Json scenarios = Json::array();
  for (const GateScenario& scenario : report.scenarios) {
    scenarios.push_back(scenario_json(scenario));
  }
  return Json{{"schema_version", 1},
              {"policy", report.policy},
              {"outcome", outcome_text(report)},
              {"confidence", report.confidence},
              {"each_confidence", report.each_confidence},
              {"scenarios", scenarios}}
             .dump(1, ' ', false, Json::error_handler_t::replace) +
         "\n";
}

std::string gate_junit(const GateReport& report) {
  std::string suites;
  Counts all;
  for (const GateScenario& scenario : report.scenarios) {
    const bool refused = !scenario.refusals.empty();
    const Counts counts = refused ? Counts{.tests = 1, .errors = 1} : count_cases(scenario);
    std::string cases;
    if (refused) {
      cases = fmt::format(
          "    <testcase classname=\"{}\" name=\"result\" time=\"0\"><error type=\"refused\" "
          "message=\"{}\"/></testcase>\n",
          attribute("vfsprof." + scenario.name), attribute(scenario.refusals.front()));
    } else {
      for (const GateRow& row : scenario.rows) cases += test_case(scenario, row);
    }
    suites += fmt::format(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" "
        "time=\"0\">\n{}  </testsuite>\n",
        attribute(scenario.name), counts.tests, counts.failures, counts.errors, counts.skipped,
        cases);
    all.tests += counts.tests;
    all.failures += counts.failures;
    all.errors += counts.errors;
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"vfsprof gate\" tests=\"{}\" "
      "failures=\"{}\" errors=\"{}\" time=\"0\">\n{}</testsuites>\n",
      all.tests, all.failures, all.errors, suites);
}

std::string gate_annotations(const GateReport& report) {
  std::string text;
  for (const GateScenario& scenario : report.scenarios) {
    const std::string title = fmt::format("vfsprof gate, {}", scenario.name);
    for (const std::string& refusal : scenario.refusals) {
      text += annotation("error", title, refusal);
    }
    if (!scenario.refusals.empty()) continue;
    const std::vector<MovedCell>& cells = scenario.attribution.cells;
    for (const GateRow& row : scenario.rows) {
      if (is_fine(row)) continue;
      const bool regressed =
          row.not_judged.empty() && row.verdict.judgement == Judgement::kRegressed;
      text += annotation(
          regressed ? "error" : "warning", title,
          fmt::format("{}: {} ({} to {}){}", row_name(row), verdict_text(row),
                      figure(row.unit, row.verdict.before), figure(row.unit, row.verdict.after),
                      cells.empty() ? ""
                                    : fmt::format("; look first at {} of {}", cells.front().title,
                                                  cells.front().role)));
    }
  }
  return text;
}

}  // namespace vfsprof::reports
