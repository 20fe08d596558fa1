#pragma once

#include <vector>

#include "reports/analyze/report.h"

namespace vfsprof::reports {

/// Looks for every row of the analysis document's three thread tables (rules/document_rows.json) in
/// an arm's tables. Errors: FormatError if the data file names a category that `rules` does not
/// have.
std::vector<DocumentRow> find_document_rows(const ProfileTables& tables, const RuleSet& rules);

}  // namespace vfsprof::reports
