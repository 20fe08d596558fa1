#pragma once

#include <cstdint>

#include "reports/model/json_reader.h"
#include "reports/model/run_result.h"

namespace vfsprof::reports {

/// A limit that no real run comes near, so that no sum of a hostile file's times overflows.
inline constexpr std::uint64_t kMaxNs = std::uint64_t{1} << 55;  // a year

/// What a saved result must hold beyond the form of its fields: indices that point somewhere, sums
/// that cannot overflow. Errors: FormatError with the place in `in`, the whole file.
void check_result(const RunResult& result, const JsonReader& in);

}  // namespace vfsprof::reports
