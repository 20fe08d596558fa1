#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reports/analyze/statistics.h"
#include "reports/lint/linter.h"
#include "reports/model/json_reader.h"

namespace vfsprof::reports {

// The checks of report.json, one function per part of it. Figures that follow from others are
// computed again; `where` is the way of a figure in the file, for messages.

/// Collects findings. A report.json has no lines that people read: all are given for line 1.
class JsonFindings {
 public:
  void add(std::string_view rule, std::string message) {
    findings_.push_back({1, std::string(rule), std::move(message)});
  }
  /// Adds a `disagreement` unless both figures are equal up to `slack`.
  void expect(const std::string& where, double found, double wanted, double slack);
  std::vector<LintFinding> take() { return std::move(findings_); }

 private:
  std::vector<LintFinding> findings_;
};

/// The figures of a CpuTime that comparisons repeat, by thread role and category; of a group of
/// categories over all threads by an empty role and its name.
struct PrintedTime {
  double samples = 0;
  double weight_ns = 0;
  double share = 0;          ///< 0 to 1
  double printed_share = 0;  ///< per cent
  double printed_cost_ns = 0;
};
using PrintedTimes = std::map<std::pair<std::string, std::string>, PrintedTime>;

PrintedTime printed_time(const JsonReader& time);

/// An interval of a part of a whole; a finding if it is none.
Interval interval_of_part(const JsonReader& interval, const std::string& where,
                          JsonFindings& findings);

/// Sums, shares and costs of one arm's profile. Returns its cells.
PrintedTimes check_json_profile(const JsonReader& profile, const std::string& arm,
                                JsonFindings& findings);

/// Rates and counts of one arm.
void check_json_arm(const JsonReader& arm, const std::string& name, JsonFindings& findings);

/// Sums of an arm's ledgers of waits, and tables of them that must agree.
void check_json_waits(const JsonReader& waits, const std::string& arm, JsonFindings& findings);

/// An arm's opportunities: their evidence against its tables, impacts against the threshold, and
/// that all together compound.
void check_json_opportunities(const JsonReader& arm,
                              const std::map<std::string, PrintedTimes>& arms, double threshold,
                              JsonFindings& findings);

/// Waiting that an arm's opportunities name: against the threshold, against itself, and against the
/// arm's ledgers (nothing: unknown).
void check_json_wait_opportunities(const JsonReader& found, const JsonReader* waits,
                                   const std::string& arm, double threshold,
                                   JsonFindings& findings);

/// Cells as in the arms' own tables, differences, verdicts that follow from their intervals.
void check_json_comparison(const JsonReader& comparison,
                           const std::map<std::string, PrintedTimes>& arms, double margin,
                           JsonFindings& findings);

}  // namespace vfsprof::reports
