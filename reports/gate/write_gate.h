#pragma once

#include <string>

#include "reports/gate/evaluate.h"

namespace vfsprof::reports {

/// The summary for a pull request, below GitHub's 65,536 characters.
std::string gate_markdown(const GateReport& report);
/// schema/gate.schema.json.
std::string gate_json(const GateReport& report);
/// One test case for each metric: regressed is a failure, undecided and refused an error. Source:
/// the format that Jenkins, GitLab and GitHub's consumers read (testsuites, testsuite, testcase).
std::string gate_junit(const GateReport& report);
/// Workflow commands that GitHub turns into annotations: one line for each metric that does not
/// pass.
std::string gate_annotations(const GateReport& report);

/// "cpu_ns_per_operation, mount_vfs", as the policy names it.
std::string row_name(const GateRow& row);

}  // namespace vfsprof::reports
