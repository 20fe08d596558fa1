#pragma once

#include <string>
#include <string_view>

#include "reports/model/format_error.h"
#include "reports/model/run_result.h"

namespace vfsprof::reports {

/// The result as JSON text (schema/run_result.schema.json). Bytes that are no UTF-8 become U+FFFD.
std::string to_json(const RunResult& result);

/// Reads what `to_json` wrote, of this schema version or an earlier one; keys it does not know are
/// skipped. Every index in the value returned is valid. Errors: FormatError that names `origin`.
RunResult run_result_from_json(std::string_view text, const std::string& origin);

}  // namespace vfsprof::reports
