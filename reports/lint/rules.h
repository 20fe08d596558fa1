#pragma once

#include "reports/lint/linter.h"

namespace vfsprof::reports {

// The rules, one function each. Each reads the document and its thread sections and nothing else.

using LintFindings = std::vector<LintFinding>;

// rules_sums.cpp
void check_row_sums(const LintInput& input, LintFindings& findings);
void check_thread_sums(const LintInput& input, LintFindings& findings);
void check_disagreement(const LintInput& input, LintFindings& findings);
void check_totals(const LintInput& input, LintFindings& findings);
void check_inclusive_rows(const LintInput& input, LintFindings& findings);

// rules_tables.cpp
void check_total_rows(const LintInput& input, LintFindings& findings);
void check_differences(const LintInput& input, LintFindings& findings);
void check_sample_sums(const LintInput& input, LintFindings& findings);

// rules_evidence.cpp
void check_conditions(const LintInput& input, LintFindings& findings);
void check_change_intervals(const LintInput& input, LintFindings& findings);
void check_change_costs(const LintInput& input, LintFindings& findings);
void check_contention(const LintInput& input, LintFindings& findings);

// rules_claims.cpp
void check_stated_impacts(const LintInput& input, LintFindings& findings);
void check_thresholds(const LintInput& input, LintFindings& findings);
void check_added_percentages(const LintInput& input, LintFindings& findings);
void check_points(const LintInput& input, LintFindings& findings);
void check_sample_count(const LintInput& input, LintFindings& findings);
void check_duration(const LintInput& input, LintFindings& findings);
void check_absolute_figures(const LintInput& input, LintFindings& findings);

// rules_text.cpp
void check_cut_names(const LintInput& input, LintFindings& findings);
void check_encoding(const LintInput& input, LintFindings& findings);

}  // namespace vfsprof::reports
