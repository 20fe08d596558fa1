#pragma once

#include <string>

#include "reports/analyze/report.h"

namespace vfsprof::reports {

/// GitHub-flavoured Markdown, shorter than 65,000 bytes: small rows are summed up where the whole
/// would be longer.
std::string write_markdown(const Report& report);

/// Every derived figure as JSON (schema/report.schema.json).
std::string write_json(const Report& report);

}  // namespace vfsprof::reports
