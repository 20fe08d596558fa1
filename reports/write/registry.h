#pragma once

#include <span>
#include <string>
#include <string_view>

#include "reports/analyze/report.h"

namespace vfsprof::reports {

/// An output format of `vfsprof report --format`.
struct Format {
  std::string_view name;
  std::string_view summary;
  std::string (*write)(const Report& report);
};

/// THE list of formats (registry.cpp).
std::span<const Format> all_formats();

/// The report in one of them. Errors: FormatError naming the formats there are.
std::string render(const Report& report, std::string_view format);

}  // namespace vfsprof::reports
